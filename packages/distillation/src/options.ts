import { DskdError, type EventListener } from '@dskd/base';
import type { FeatureExtractor } from '@dskd/core';
import { holdOut } from '@dskd/data';
import { backboneInfo, type BackboneName } from '@dskd/models';
import type { Photo } from './images.js';
import type { DistillationSettings } from './record.js';

export interface DistillOptions {
  /** The levels of the teacher must have the strides of the backbone's levels. It is not trained and not disposed. */
  readonly teacher: { readonly extractor: FeatureExtractor; readonly sha256: string };
  /** Number of optimizer steps. */
  readonly steps: number;
  /** The backbone to train. Default `teacher-tiny`. */
  readonly backbone?: BackboneName;
  /**
   * Images of any content to cut augmented crops from; duplicate files count once. A tenth of them (at least one, if
   * there are two or more) is held out to measure the reported error.
   */
  readonly photos?: readonly Photo[];
  /**
   * Bytes of a weight file of the backbone to start from instead of random weights, for example the result of a
   * distillation on images of another size. The heads start from random weights.
   */
  readonly startFrom?: Uint8Array;
  /** Share of procedural images, 0 to 1. Default 0.5, or 1 without photos. */
  readonly proceduralFraction?: number;
  /** Width and height of the images in pixels; a multiple of 16. Default 128. */
  readonly size?: number;
  /** Images per step. Default 32. */
  readonly batchSize?: number;
  /** Default 1. */
  readonly seed?: number;
  /**
   * Peak learning rate of Adam (0.9, 0.999): linear warm-up over a fiftieth of the steps, constant until half of them
   * are done, then cosine decay to a hundredth. Default 0.002.
   */
  readonly learningRate?: number;
  /** Steps between two measurements of the held-out error; a checkpoint is saved at each. Default 500. */
  readonly evaluateEvery?: number;
  /** Number of images to measure the held-out error on. Default 64. */
  readonly heldOutImages?: number;
  /**
   * Number of batches to measure the teacher's means and standard deviations on before training, and of other batches
   * to average batch norm's running statistics over afterwards. Default 32.
   */
  readonly statisticsBatches?: number;
  /** Receives the state needed to resume; the run waits for it. Also called when the run is aborted. */
  readonly checkpoint?: { save(bytes: Uint8Array): Promise<void> };
  /** Bytes that `checkpoint.save` received. The result equals that of an uninterrupted run bit for bit. */
  readonly resumeFrom?: Uint8Array;
  /** Checked between steps. */
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

/** Returns the differences between the levels of teacher and backbone; maps must have the same size per level. */
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

/**
 * Fills in the defaults and checks the options.
 * @throws {DskdError} `invalid-config` with all problems.
 */
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
