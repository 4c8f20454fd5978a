import { DskdError, type EventListener } from '@dskd/base';
import type { FeatureExtractor } from '@dskd/core';
import { holdOut } from '@dskd/data';
import { backboneInfo, type BackboneName } from '@dskd/models';
import type { Photo } from './images.js';
import type { DistillationSettings } from './record.js';

export interface DistillOptions {
  /** Its levels must lie at the strides of the backbone's. Frozen; stays the caller's. */
  readonly teacher: { readonly extractor: FeatureExtractor; readonly sha256: string };
  /** Steps of the optimizer. */
  readonly steps: number;
  /** What is trained. Default `teacher-tiny`. */
  readonly backbone?: BackboneName;
  /**
   * Images of anything, that augmented crops are cut from; the same file twice counts once. A tenth, at least
   * one of two, is held out for the error that is reported.
   */
  readonly photos?: readonly Photo[];
  /**
   * Bytes of a weight file of the backbone to start from instead of random weights, e.g. what a distillation on
   * images of another size made. The heads start anew.
   */
  readonly startFrom?: Uint8Array;
  /** Share of procedural images, 0 to 1. Default a half, or all without photos. */
  readonly proceduralFraction?: number;
  /** Of the images, in pixels; a multiple of 16. Default 128. */
  readonly size?: number;
  /** Default 32. */
  readonly batchSize?: number;
  /** Default 1. */
  readonly seed?: number;
  /**
   * Adam's (0.9, 0.999), at its height: it rises over a fiftieth of the steps, stays until half of them are done, and
   * falls by a cosine to a hundredth. Default 0.002.
   */
  readonly learningRate?: number;
  /** Steps between two measurements of the held-out error, at each of which a checkpoint is saved. Default 500. */
  readonly evaluateEvery?: number;
  /** Images the held-out error is measured on. Default 64. */
  readonly heldOutImages?: number;
  /**
   * Batches that the teacher's means and deviations are measured on before training, and as many others that batch
   * norm's running statistics are averaged over afterwards. Default 32.
   */
  readonly statisticsBatches?: number;
  /** Gets all that is needed to go on; the run waits for it. Also called when the run is aborted. */
  readonly checkpoint?: { save(bytes: Uint8Array): Promise<void> };
  /** What `checkpoint.save` got. The run ends bit-equal to one that was never stopped. */
  readonly resumeFrom?: Uint8Array;
  /** Asked between steps. */
  readonly signal?: AbortSignal;
  readonly onEvent?: EventListener;
}

/** Options with their defaults, checked. */
export interface DistillationPlan {
  readonly backbone: BackboneName;
  readonly settings: DistillationSettings;
  readonly photos: readonly Photo[];
  readonly heldOutPhotos: readonly Photo[];
}

const HELD_OUT_FRACTION = 0.1;

function bySha256(photos: readonly Photo[]): Photo[] {
  const unique = [...new Map(photos.map((photo) => [photo.sha256, photo])).values()];
  return unique.sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1));
}

function problemsOf(settings: DistillationSettings): string[] {
  const problems: string[] = [];
  const { steps, batchSize, evaluateEvery, statisticsBatches, size, learningRate, images, seed } = settings;
  const whole = { steps, batchSize, evaluateEvery, statisticsBatches, heldOutImages: images.heldOut };
  for (const [name, value] of Object.entries(whole)) {
    if (!Number.isInteger(value) || value < 1)
      problems.push(`${name} is ${value}, wanted a positive integer`);
  }
  if (batchSize === 1) problems.push('batchSize is 1, wanted 2 or more for batch norm');
  if (!Number.isInteger(size) || size < 32 || size % 16 !== 0) {
    problems.push(`size is ${size}, wanted a multiple of 16, at least 32`);
  }
  if (!Number.isInteger(seed)) problems.push(`seed is ${seed}, wanted an integer`);
  if (!(learningRate > 0 && Number.isFinite(learningRate))) {
    problems.push(`learningRate is ${learningRate}, wanted a positive number`);
  }
  const { proceduralFraction, photos } = images;
  if (!(proceduralFraction >= 0 && proceduralFraction <= 1)) {
    problems.push(`proceduralFraction is ${proceduralFraction}, wanted 0 to 1`);
  } else if (proceduralFraction < 1 && photos === 0) {
    problems.push(`proceduralFraction is ${proceduralFraction}, wanted 1 as there are no photos`);
  }
  return problems;
}

/** Where teacher and backbone do not fit: one prediction per level, position by position. */
function levelProblems(
  { extractor }: DistillOptions['teacher'],
  backbone: BackboneName,
  size: number,
): string[] {
  const { levels } = backboneInfo(backbone);
  const strides = (list: readonly { readonly stride: number }[]): string =>
    list.map(({ stride }) => stride).join(', ');
  if (strides(levels) !== strides(extractor.levels)) {
    return [
      `the teacher's levels have strides ${strides(extractor.levels)}, wanted ${strides(levels)} as ${backbone}`,
    ];
  }
  const odd = extractor
    .outputShapes([size, size])
    .filter(([height, width], level) =>
      [height, width].some((side) => side !== size / levels[level]!.stride),
    );
  return odd.length === 0
    ? []
    : [`the teacher's maps of ${size} px are ${odd.join(' and ')}, not size / stride`];
}

async function sha256Of(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @throws {DskdError} `invalid-config` naming everything that is wrong. */
export async function planDistillation(options: DistillOptions): Promise<DistillationPlan> {
  const { teacher, steps, backbone = 'teacher-tiny', photos: given = [], seed = 1, size = 128 } = options;
  const all = bySha256(given).map((photo) => ({ ...photo, id: photo.sha256, load: () => photo.load() }));
  const { kept, heldOut } = holdOut(all, { fraction: HELD_OUT_FRACTION, seed });
  const settings: DistillationSettings = {
    backbone,
    startedFrom: options.startFrom ? await sha256Of(options.startFrom) : null,
    teacher: {
      name: teacher.extractor.name,
      sha256: teacher.sha256,
      levels: teacher.extractor.levels.map(({ name }) => name),
    },
    seed,
    steps,
    batchSize: options.batchSize ?? 32,
    size,
    learningRate: options.learningRate ?? 0.002,
    evaluateEvery: options.evaluateEvery ?? 500,
    statisticsBatches: options.statisticsBatches ?? 32,
    images: {
      proceduralFraction: options.proceduralFraction ?? (all.length === 0 ? 1 : 0.5),
      photos: kept.length,
      heldOutPhotos: heldOut.length,
      photosSha256:
        all.length === 0
          ? null
          : await sha256Of(new TextEncoder().encode(all.map(({ sha256 }) => sha256).join('\n'))),
      heldOut: options.heldOutImages ?? 64,
    },
  };
  let problems = problemsOf(settings);
  if (problems.length === 0) problems = levelProblems(teacher, backbone, size);
  if (problems.length > 0) {
    throw new DskdError('invalid-config', `Cannot distill: ${problems.join('; ')}.`, {
      details: { problems },
    });
  }
  return { backbone, settings, photos: kept, heldOutPhotos: heldOut };
}
