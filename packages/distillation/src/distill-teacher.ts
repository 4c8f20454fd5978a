import { DskdError, type EventListener, isDskdError, throwIfAborted } from '@dskd/base';
import { accurateSum, type FeatureExtractor, type Objective, type Student } from '@dskd/core';
import { backboneInfo, createTrainableBackbone, type TrainableBackbone } from '@dskd/models';
import { type FeatureBatch, inProcessRunner, type StudentRunner } from '@dskd/training';
import { readStateDict } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { DistillationImages, type Photo, type Purpose } from './images.js';
import { type DistillationPlan, type DistillOptions, planDistillation } from './options.js';
import {
  type CurvePoint,
  type DistillationRecord,
  type DistillationSettings,
  type FeatureErrors,
  readProgress,
  recordOf,
  writeDistilledWeights,
  writeProgress,
} from './record.js';
import { StandardizedTeacher } from './standardized-teacher.js';

const NAME = 'distillation';

export interface DistilledTeacher {
  /** A safetensors file for `createBackbone`, with the record in its metadata. */
  readonly bytes: Uint8Array;
  readonly record: DistillationRecord;
}

/**
 * Trains a small backbone to predict a large teacher's features at each level, standardized per channel, through linear
 * 1 x 1 heads that are dropped afterwards, on procedural images and augmented crops of photos. At the end the batch
 * norms' running statistics are averaged over new images.
 *
 * The same options give the same bytes on the cpu and wasm backends, also if the run was stopped and resumed.
 * @throws {DskdError} `invalid-config`; `aborted`, after saving a checkpoint if `checkpoint` is given;
 * `numerical-instability` naming the step; for `resumeFrom` `invalid-argument` naming the settings that differ,
 * `artifact-invalid`, `weights-invalid`; for `startFrom` `weights-invalid`, `weights-mismatch`.
 */
export async function distillTeacher(options: DistillOptions): Promise<DistilledTeacher> {
  const plan = await planDistillation(options);
  const run = await Distillation.start(plan, options);
  try {
    return await run.finish();
  } finally {
    await run.dispose();
  }
}

/** The targets of one step as a runner's batch. */
function featureBatch(teacher: FeatureExtractor, targets: readonly tf.Tensor4D[]): FeatureBatch {
  return {
    size: targets[0]!.shape[0],
    levels: targets.map(({ shape: [, height, width, channels] }, level) => ({
      name: teacher.levels[level]!.name,
      shape: [height, width, channels],
    })),
    tensors: () => targets,
    arrays: () => Promise.reject(new DskdError('invalid-argument', 'A distillation runs in one thread.')),
  };
}

function emptyLosses(): { sum: number; steps: number } {
  return { sum: 0, steps: 0 };
}

class Distillation {
  readonly #settings: DistillationSettings;
  readonly #options: DistillOptions;
  readonly #heldOut: DistillationImages;
  readonly #training: DistillationImages;
  readonly #settling: DistillationImages;
  readonly #extractor: FeatureExtractor;
  readonly #backbone: TrainableBackbone;
  readonly #runner: StudentRunner;
  readonly #teacher: StandardizedTeacher;
  readonly #curve: CurvePoint[] = [];
  readonly #emit: EventListener;
  #losses = emptyLosses();
  #step = 0;
  #savedStep: number | undefined;
  /** Images of the current step: a student of `@dskd/training` receives the teacher's features only. */
  #images: tf.Tensor4D | undefined;

  private constructor(
    { settings, photos, heldOutPhotos }: DistillationPlan,
    options: DistillOptions,
    backbone: TrainableBackbone,
    teacher: StandardizedTeacher,
  ) {
    const images = (purpose: Purpose, from: readonly Photo[]): DistillationImages =>
      imagesFor(settings, purpose, from);
    this.#settings = settings;
    this.#options = options;
    this.#training = images('training', photos);
    this.#heldOut = images('held-out', heldOutPhotos);
    this.#settling = images('settling', photos);
    this.#teacher = teacher;
    this.#extractor = options.teacher.extractor;
    this.#emit = options.onEvent ?? (() => undefined);
    this.#backbone = backbone;
    const { steps, learningRate } = settings;
    const warmUpSteps = Math.floor(steps / 50);
    this.#runner = inProcessRunner({
      name: NAME,
      student: this.#student(),
      objective: FEATURE_ERROR,
      optimizer: {
        learningRate,
        beta1: 0.9,
        schedule: {
          kind: 'cosine',
          steps,
          warmUpSteps,
          plateauSteps: Math.max(0, Math.floor(steps / 2) - warmUpSteps),
          final: 0.01,
        },
      },
    });
  }

  static async start(plan: DistillationPlan, options: DistillOptions): Promise<Distillation> {
    const { settings, photos, backbone: name } = plan;
    const { extractor } = options.teacher;
    const backbone = createTrainableBackbone(name, {
      seed: settings.seed,
      heads: headsFor(name, extractor),
    });
    const images = imagesFor(settings, 'statistics', photos);
    async function* batches(): AsyncGenerator<tf.Tensor4D> {
      for (let batch = 0; batch < settings.statisticsBatches; batch++) {
        yield await images.batch(batch * settings.batchSize, settings.batchSize);
      }
    }
    try {
      if (options.startFrom) startFrom(backbone, options.startFrom);
      const teacher = await StandardizedTeacher.measure(extractor, batches(), options.signal);
      return new Distillation(plan, options, backbone, teacher);
    } catch (error) {
      backbone.dispose();
      throw error;
    }
  }

  async finish(): Promise<DistilledTeacher> {
    const { steps, batchSize, evaluateEvery } = this.#settings;
    await this.#resume();
    this.#emit({
      type: 'training-start',
      epochs: 1,
      stepsPerEpoch: steps,
      samples: steps * batchSize,
      students: [this.#backbone.name],
    });
    while (this.#step < steps) {
      await this.#stopIfAborted();
      await this.#trainStep();
      if (this.#step % evaluateEvery === 0 || this.#step === steps) await this.#evaluate();
    }
    await this.#settle();
    const heldOut = await this.#heldOutErrors();
    this.#emit({ type: 'held-out-error', step: this.#step, ...heldOut });
    this.#emit({ type: 'training-end', steps });
    const record = recordOf(this.#settings, this.#curve, heldOut);
    return { bytes: writeDistilledWeights(await this.#backbone.stateDict(), record), record };
  }

  async dispose(): Promise<void> {
    await this.#runner.dispose();
    this.#backbone.dispose();
    this.#teacher.dispose();
  }

  /** Adapts the backbone to the `Student` interface: its forward pass reads the images of the current step. */
  #student(): Student {
    const backbone = this.#backbone;
    return {
      parameters: backbone.parameters,
      buffers: backbone.buffers,
      forward: (_targets, mode) => backbone.forward(this.#images!, mode),
      dispose: () => undefined,
    };
  }

  async #resume(): Promise<void> {
    const { resumeFrom } = this.#options;
    if (!resumeFrom) return;
    const { step, curve, lossSum, student } = readProgress(resumeFrom, this.#settings);
    await this.#runner.restore(student);
    this.#curve.push(...curve);
    this.#step = step;
    this.#savedStep = step;
    this.#losses = { sum: lossSum, steps: step - (curve.at(-1)?.step ?? 0) };
  }

  async #trainStep(): Promise<void> {
    const { batchSize } = this.#settings;
    const step = this.#step;
    const images = await this.#training.batch(step * batchSize, batchSize);
    const targets = await this.#teacher.extract(images);
    this.#images = images;
    try {
      const loss = await this.#runner.step(featureBatch(this.#extractor, targets), { epoch: 0, step });
      this.#losses.sum += loss;
      this.#losses.steps += 1;
      this.#step += 1;
      this.#emit({ type: 'step-end', epoch: 0, step, losses: { error: loss }, samples: batchSize });
    } finally {
      tf.dispose([images, ...targets]);
      this.#images = undefined;
    }
  }

  async #evaluate(): Promise<void> {
    const heldOut = await this.#heldOutErrors();
    const { sum, steps } = this.#losses;
    this.#curve.push({ step: this.#step, loss: sum / steps, heldOut });
    this.#losses = emptyLosses();
    this.#emit({ type: 'held-out-error', step: this.#step, ...heldOut });
    await this.#save();
  }

  async #heldOutErrors(): Promise<FeatureErrors> {
    const { batchSize, images } = this.#settings;
    const { levels } = this.#backbone;
    const sums = levels.map(() => 0);
    for (let from = 0; from < images.heldOut; from += batchSize) {
      const count = Math.min(batchSize, images.heldOut - from);
      const batch = await this.#heldOut.batch(from, count);
      const targets = await this.#teacher.extract(batch);
      const errors = tf.tidy(() =>
        tf.stack(levelErrors(targets, this.#backbone.forward(batch, { training: false }))),
      );
      const values = await errors.data<'float32'>();
      for (const level of sums.keys()) sums[level]! += (values[level]! * count) / images.heldOut;
      tf.dispose([batch, errors, ...targets]);
    }
    return {
      levels: Object.fromEntries(levels.map(({ name }, level) => [name, sums[level]!])),
      mean: sums.reduce((sum, error) => sum + error, 0) / sums.length,
    };
  }

  /** Averages batch norm's running statistics over new images, as torch.optim.swa_utils.update_bn does. */
  async #settle(): Promise<void> {
    const { batchSize, statisticsBatches } = this.#settings;
    for (let batch = 0; batch < statisticsBatches; batch++) {
      throwIfAborted(this.#options.signal);
      const images = await this.#settling.batch(batch * batchSize, batchSize);
      tf.dispose(this.#backbone.forward(images, { training: true, batchNormMomentum: 1 / (batch + 1) }));
      images.dispose();
    }
  }

  async #stopIfAborted(): Promise<void> {
    if (!this.#options.signal?.aborted) return;
    await this.#save();
    throwIfAborted(this.#options.signal);
  }

  async #save(): Promise<void> {
    const { checkpoint } = this.#options;
    if (!checkpoint || this.#savedStep === this.#step) return;
    const student = await this.#runner.capture();
    const progress = { step: this.#step, curve: this.#curve, lossSum: this.#losses.sum, student };
    await checkpoint.save(writeProgress(this.#settings, progress));
    this.#savedStep = this.#step;
    this.#emit({ type: 'checkpoint-saved', epoch: 0, step: this.#step });
  }
}

/** Reads the weights of `startFrom`; errors name that option, because a run also reads the teacher's file. */
function startFrom(backbone: TrainableBackbone, bytes: Uint8Array): void {
  try {
    backbone.loadStateDict(readStateDict(bytes));
  } catch (cause) {
    if (!isDskdError(cause)) throw cause;
    throw new DskdError(cause.code, `Cannot start from the weights given. ${cause.message}`, {
      hint: `Give a file of ${backbone.name}, as a distillation writes it.`,
      details: cause.details,
      cause,
    });
  }
}

function imagesFor(
  { seed, size, images: { proceduralFraction } }: DistillationSettings,
  purpose: Purpose,
  photos: readonly Photo[],
): DistillationImages {
  return new DistillationImages(purpose, { seed, size, proceduralFraction, photos });
}

/** Returns one head per level of the backbone, with the number of channels of the teacher's level. */
function headsFor(backbone: DistillationPlan['backbone'], teacher: FeatureExtractor): Record<string, number> {
  return Object.fromEntries(
    backboneInfo(backbone).levels.map(({ name }, level) => [name, teacher.levels[level]!.channels]),
  );
}

/** Mean squared difference of one level; `target` receives no gradient. */
function meanSquaredError(target: tf.Tensor4D, prediction: tf.Tensor4D): tf.Scalar {
  const operation = tf.customGrad((...args) => {
    const [guess, save] = args as [tf.Tensor4D, tf.GradSaveFunc];
    save([guess]);
    const value = tf.tidy(() =>
      tf.div<tf.Scalar>(accurateSum(tf.squaredDifference(guess, target)), guess.size),
    );
    const gradFunc = (dy: tf.Scalar, saved: tf.Tensor[]): tf.Tensor =>
      tf.tidy(() => tf.mul(tf.sub(saved[0]!, target), tf.mul(dy, 2 / target.size)));
    return { value, gradFunc };
  });
  return operation(prediction);
}

/** Mean squared difference of each level. The caller disposes them. */
function levelErrors(targets: readonly tf.Tensor4D[], predictions: readonly tf.Tensor4D[]): tf.Scalar[] {
  return targets.map((target, level) => meanSquaredError(target, predictions[level]!));
}

/** The sum over levels of the mean squared difference of features. */
const FEATURE_ERROR: Objective = {
  name: 'featureError',
  options: {},
  loss: (targets, predictions) => tf.tidy(() => tf.addN<tf.Scalar>(levelErrors(targets, predictions))),
  map: (targets, predictions) =>
    targets.map((target, level) =>
      tf.tidy(() => tf.mean<tf.Tensor3D>(tf.squaredDifference(target, predictions[level]!), 3)),
    ),
};
