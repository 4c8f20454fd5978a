import { PreparedImages, type Sample } from '@dskd/data';
import type { Alternative, AnomalyModel, Fit, FitPlan, JsonObject } from '@dskd/methods';
import type { Teacher } from '@dskd/models';
import { quantileThreshold } from '@dskd/scoring';
import * as tf from '@tensorflow/tfjs-core';
import { FORMAT_VERSION, type DetectorDescription, type TrainingRecord } from '../artifact/description.js';
import { calibrate, measureNormalizations, type Calibration } from '../calibration/calibrate.js';
import { chooseImages, type ChosenImages } from '../calibration/choose-images.js';
import { Detector } from '../inference/detector.js';
import { preparationOf } from '../inference/preparation.js';
import { VERSION } from '../version.js';
import { outOfMemory } from './out-of-memory.js';
import {
  resolveTrainingOptions,
  type ResolvedTraining,
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
export function assertTrainingFits(training: ResolvedTraining, images: number): void {
  const { method, options } = training;
  const plan = fitPlan(training, images);
  const { memory } = method.estimate(plan, options);
  if (memory.exceeded.length === 0) return;
  const alternatives = method.alternatives?.(plan, options, Infinity) ?? [];
  throw outOfMemory(memory, hintFor(alternatives), alternatives);
}

/**
 * Learns what good images look like: fits the method's model, then calibrates normalization, threshold and p-values on
 * good images that it was not fitted on.
 * @returns a detector; the caller disposes it, then the teacher.
 * @throws {DskdError} before anything is trained `dataset-invalid`, `invalid-config`, `out-of-memory`,
 * `invalid-argument` (a teacher without a SHA-256, an objective that this thread does not know), and for a checkpoint
 * of another run `input-size-mismatch` or `invalid-argument`; then `numerical-instability`, `aborted`, and what
 * reading images throws.
 */
export async function trainDetector(options: TrainDetectorOptions): Promise<Detector> {
  const training = await resolveTrainingOptions(options);
  const chosen = chooseImages(training.source, { ...training.calibration, seed: training.seed });
  assertTrainingFits(training, chosen.training.length);
  const { source, signal } = training;
  const dataFingerprint = await source.fingerprint(signal ? { signal } : {});
  const { model, record, batchSize } = await fit(training, chosen, dataFingerprint);
  try {
    const calibration = await calibrateModel(training, model, chosen, batchSize);
    const description: DetectorDescription = {
      ...describe(training, model, calibration, chosen),
      trainings: [recordOf(training, model, chosen, dataFingerprint, record)],
    };
    return new Detector({ model, description, teacher: training.teacher, ignored: training.ignored });
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** What the method is told of a training, before it reads an image. */
export function fitPlan(training: ResolvedTraining, images: number): FitPlan {
  const { inputSize, teacher, seed, augmentation, execution } = training;
  return { images, inputSize, teacher, seed, imagesChange: augmentation !== undefined, execution };
}

function prepared(training: ResolvedTraining, samples: readonly Sample[]): PreparedImages {
  return new PreparedImages(samples, preparationOf(training));
}

/** Fits the method's model on the images chosen for it. */
export async function fit(
  training: ResolvedTraining,
  chosen: ChosenImages,
  dataFingerprint: string,
): Promise<Fit> {
  const { method, options, augmentation, seed, calibration } = training;
  const { inputSize, teacher, resize, checkpoint, resumeFrom, onEvent, signal } = training;
  const images = new PreparedImages(chosen.training, {
    ...preparationOf(training),
    ...(augmentation && { augment: { augmentation, seed } }),
  });
  const run = {
    inputSize,
    teacher: teacher?.sha256 ?? null,
    dataFingerprint,
    resize,
    augmentation: augmentation ?? null,
    holdOutFraction: calibration.holdOutFraction,
    calibrateOnTraining: calibration.onTrainingImages,
  };
  return method.fit(
    {
      ...fitPlan(training, images.length),
      trainingImages: {
        length: images.length,
        changesEachEpoch: augmentation !== undefined,
        batch: (indices, epoch) => images.batch(indices, { epoch }),
      },
      run: JSON.parse(JSON.stringify(run)) as JsonObject,
      checkpoint,
      resumeFrom,
      onEvent,
      signal,
    },
    options,
  );
}

/** Images per pass of a calibration where the method does not say. */
export const DEFAULT_BATCH = 8;

async function calibrateModel(
  training: ResolvedTraining,
  model: AnomalyModel,
  chosen: ChosenImages,
  batchSize = DEFAULT_BATCH,
): Promise<Calibration> {
  const { calibration: rule, ignored, signal, onEvent } = training;
  const options = { batchSize, ignored, signal };
  onEvent?.({ type: 'calibration-start', samples: chosen.calibration.length });
  const normalizations =
    rule.statisticsOn === 'training'
      ? await measureNormalizations(model, rule, prepared(training, chosen.training), options)
      : undefined;
  return calibrate(model, rule, prepared(training, chosen.calibration), { ...options, normalizations });
}

/** What an artifact says of a teacher that is not inside it. */
function describeTeacher({ extractor, sha256, weights }: Teacher): DetectorDescription['teacher'] {
  const { name, levels, inputTransform } = extractor;
  const { channelOrder, scale, mean, standardDeviation } = inputTransform;
  return {
    name,
    sha256,
    embedded: weights !== undefined,
    levels: levels.map((level) => ({ ...level })),
    inputTransform: { channelOrder, scale, mean: [...mean], standardDeviation: [...standardDeviation] },
  };
}

function describe(
  training: ResolvedTraining,
  model: AnomalyModel,
  calibration: Calibration,
  { origin }: ChosenImages,
): Omit<DetectorDescription, 'trainings'> {
  const { teacher, inputSize, resize, ignored, calibration: rule } = training;
  const { threshold, guaranteed } = quantileThreshold(calibration.scores, rule.falseAlarmRate);
  return {
    format: FORMAT_VERSION,
    method: model.method,
    config: model.state().config,
    teacher: teacher ? describeTeacher(teacher) : null,
    inputSize: [inputSize[0], inputSize[1]],
    resize,
    storage: 'float32',
    ignored: ignored !== null,
    branches: model.branches.map(({ name, map }) => ({
      name,
      map,
      normalization: calibration.normalizations.get(name)!,
      calibrationScores: calibration.branchScores.get(name)!,
    })),
    fusion: { sigma: rule.sigma, normalization: rule.normalization },
    calibration: { images: origin, scores: calibration.scores },
    threshold: { value: threshold, falseAlarmRate: rule.falseAlarmRate, guaranteed },
  };
}

function recordOf(
  training: ResolvedTraining,
  model: AnomalyModel,
  chosen: ChosenImages,
  dataFingerprint: string,
  fit: JsonObject,
): TrainingRecord {
  const { seed, augmentation, recorded, calibration } = training;
  const { holdOutFraction, onTrainingImages, statisticsOn, falseAlarmRate } = calibration;
  return {
    branches: model.branches.map(({ name }) => name),
    seed,
    images: chosen.training.length,
    dataFingerprint,
    augmentation: augmentation
      ? (JSON.parse(JSON.stringify(augmentation)) as TrainingRecord['augmentation'])
      : null,
    options: {
      ...recorded,
      holdOutFraction,
      calibrateOnTraining: onTrainingImages,
      statisticsOn,
      falseAlarmRate,
    },
    fit,
    backend: tf.getBackend(),
    versions: { '@dskd/detector': VERSION, '@tensorflow/tfjs-core': tf.version_core },
  };
}
