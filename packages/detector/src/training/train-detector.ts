import { DskdError } from '@dskd/base';
import type { PreparedImages } from '@dskd/data';
import { imagesPerPass, type Alternative, type AnomalyModel, type Fit } from '@dskd/methods';
import { quantileThreshold } from '@dskd/scoring';
import type { ImageSet } from '@dskd/training';
import * as tf from '@tensorflow/tfjs-core';
import { FORMAT_VERSION, type DetectorDescription } from '../artifact/description.js';
import { canPromise } from '../calibration/also-learned.js';
import { calibrate, calibratedBranches } from '../calibration/calibrate.js';
import { Detector } from '../inference/detector.js';
import { makeThumbnails } from '../inference/thumbnails.js';
import { learnedImages } from '../lessons/learned-images.js';
import { VERSION } from '../version.js';
import { withCopies } from './altered-copies.js';
import { outOfMemory } from './out-of-memory.js';
import { assertThumbnailsShown } from './thumbnail-options.js';
import { readTrainingImages } from './training-images.js';
import {
  resolveTrainingOptions,
  type FitProgress,
  type Fitting,
  type TrainDetectorOptions,
} from './training-options.js';

function words({ kind, value }: Alternative): string {
  switch (kind) {
    case 'worker-threads':
      return 'execution.runner: workerRunnerFor(), a thread for each student';
    case 'preset':
      return `options.preset: '${value as string}'`;
    case 'branches-apart':
      return `one of options.branches at a time (${(value as readonly string[]).join(', ')}), then combineDetectors`;
    case 'gccb-channels':
      return `options.gccb.channels: ${value as number}`;
    case 'batch-size':
      return `options.batchSize: ${value as number}`;
    case 'input-size':
      return `input.size: [${(value as readonly number[]).join(', ')}]`;
    case 'method-options':
      return `options: ${JSON.stringify(value)}`;
    case 'backend':
      return `the backend ${value as string}, which has no limit of 4 GiB`;
  }
}

function hintFor(alternatives: readonly Alternative[]): string {
  if (alternatives.length === 0) return 'Nothing smaller fits either: take a machine with more memory.';
  return `What would fit: ${alternatives.map(words).join('; or ')}.`;
}

/**
 * Refuses a training that cannot fit, before anything is allocated.
 * @throws {DskdError} `out-of-memory`; its hint and `details.alternatives` say what would fit.
 */
export function assertTrainingFits({ method, options, plan }: Fitting): void {
  const { memory } = method.estimate(plan, options);
  if (memory.exceeded.length === 0) return;
  const alternatives = method.alternatives?.(plan, options, Infinity) ?? [];
  throw outOfMemory(memory, hintFor(alternatives), alternatives);
}

/** Fits the method's model on prepared images. */
export function fit(
  { method, options, plan, run }: Fitting,
  images: PreparedImages,
  copies: number,
  progress: FitProgress,
): Promise<Fit> {
  const asTheyAre: ImageSet = {
    length: images.length,
    changesEachEpoch: plan.imagesChange,
    batch: (indices, epoch) => images.batch(indices, { epoch }),
    prefetch: (indices) => images.prefetch(indices),
  };
  const trainingImages = copies > 0 ? withCopies(images, copies) : asTheyAre;
  return method.fit({ ...plan, trainingImages, run, ...progress }, options);
}

/** A list, `times` in a row: a patch of an altered copy is named after its image. */
function repeated<T>(list: readonly T[], times: number): T[] {
  return Array.from({ length: times }, () => list).flat();
}

/**
 * Refuses weights of branches that the model does not have.
 * @throws {DskdError} `invalid-config`
 */
function assertBranchesWeighed({ branches, method }: AnomalyModel, weights: object = {}): void {
  const known = branches.map(({ name }) => name);
  const unknown = Object.keys(weights).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new DskdError(
    'invalid-config',
    `Got weights of ${unknown.join(', ')}; the branches of this ${method} are ${known.join(', ')}.`,
    { details: { unknown, known } },
  );
}

/**
 * Learns what good images look like: fits the method's model, then calibrates normalization, threshold and p-values on
 * good images that it was not fitted on.
 * @returns a detector; the caller disposes it, then the teacher.
 * @throws {DskdError} before anything is trained `dataset-invalid`, `invalid-config`, `out-of-memory`,
 * `invalid-argument` (a teacher without a SHA-256, an objective that this thread does not know), and for a checkpoint
 * of another run `input-size-mismatch` or `invalid-argument`; then `numerical-instability`, `aborted`. Every image that
 * trains or calibrates, and all `testImages`, are read before the first step: those that cannot be used are listed in one
 * `dataset-invalid`.
 */
export async function trainDetector(options: TrainDetectorOptions): Promise<Detector> {
  const resolved = await resolveTrainingOptions(options);
  const { source, chosen, copies, fitting, progress, calibration: rule, ignored, thumbnails } = resolved;
  const { input, record } = resolved;
  const { onEvent, signal } = progress;

  assertTrainingFits(fitting);
  const { training, calibration: normal, imageHashes, alsoLearned } = await readTrainingImages(resolved);
  const dataFingerprint = await source.fingerprint(signal ? { signal } : {});
  const run = { ...fitting.run, dataFingerprint };
  const fitted = await fit({ ...fitting, run }, training, copies, progress);
  const { model, batchSize = imagesPerPass(input) } = fitted;
  try {
    assertBranchesWeighed(model, options.calibration?.weights);
    if (options.thumbnails !== undefined) {
      assertThumbnailsShown(model.method, options.thumbnails, model.keepsPatches ?? false);
    }
    onEvent?.({ type: 'calibration-start', samples: normal.length });
    const { scores, ...measured } = await calibrate(model, rule.fusion, normal, {
      statistics: rule.statisticsOn === 'training' ? training : undefined,
      batchSize,
      ignored,
      signal,
    });
    const { threshold: value, guaranteed } = quantileThreshold(scores, rule.falseAlarmRate);
    const calibration: DetectorDescription['calibration'] = {
      images: chosen.origin,
      scores,
      ...(alsoLearned > 0 && { alsoLearned }),
    };
    const description: DetectorDescription = {
      format: FORMAT_VERSION,
      method: model.method,
      config: model.state().config,
      ...input,
      storage: fitted.storage ?? 'float32',
      branches: calibratedBranches(model, { scores, ...measured }),
      fusion: rule.fusion,
      calibration,
      threshold: {
        value,
        falseAlarmRate: rule.falseAlarmRate,
        guaranteed: guaranteed && canPromise(calibration),
      },
      trainings: [
        {
          branches: model.branches.map(({ name }) => name),
          ...record,
          dataFingerprint,
          imageHashes,
          fit: fitted.record,
          backend: tf.getBackend(),
          versions: { '@dskd/detector': VERSION, '@tensorflow/tfjs-core': tf.version_core },
        },
      ],
      ...(model.keepsPatches && {
        trainingImages: repeated(await learnedImages(chosen.training, training), 1 + copies),
      }),
      ...(thumbnails && { thumbnails }),
    };
    return new Detector({
      model,
      description,
      teacher: fitting.plan.teacher,
      ignored,
      thumbnails: thumbnails && (await makeThumbnails(training, thumbnails, signal)),
    });
  } catch (error) {
    model.dispose();
    throw error;
  }
}
