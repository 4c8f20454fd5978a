import { DskdError, isDskdError, throwIfAborted, type EventListener } from '@dskd/base';
import type { FeatureExtractor, Student } from '@dskd/core';
import { backboneInfo, createTrainableBackbone, type TrainableBackbone } from '@dskd/models';
import { inProcessRunner, type FeatureBatch, type StudentRunner } from '@dskd/training';
import { readStateDict } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { readProgress, writeProgress } from './checkpoint.js';
import { FEATURE_ERROR, levelErrors } from './feature-error.js';
import { DistillationImages, type Photo, type Purpose } from './images.js';
import { planDistillation, type DistillationPlan, type DistillOptions } from './options.js';
import {
  recordOf,
  writeDistilledWeights,
  type CurvePoint,
  type DistillationRecord,
  type DistillationSettings,
  type FeatureErrors,
} from './record.js';
import { StandardizedTeacher } from './standardized-teacher.js';

const NAME = 'distillation';

export interface DistilledTeacher {
  /** A safetensors file for `createBackbone`, the record in its metadata. */
  readonly bytes: Uint8Array;
  readonly record: DistillationRecord;
}

/**
 * Trains a small backbone to predict a large teacher's features: those of each level, standardized per channel, through
 * a linear 1x1 head that is thrown away afterwards, on procedural images and augmented crops of photos. At the
 * end the batch norms' running statistics are averaged over fresh images.
 *
 * The same options give the same bytes on cpu and wasm, also where the run was stopped and resumed.
 * @throws {DskdError} `invalid-config`; `aborted`, after saving a checkpoint if there is where to;
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

/** What the backbone is trained on and predicts, as one step of a runner sees it. */
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
  /** Of the step that is being made: a student of the training package sees the teacher's features only. */
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

  /** The backbone as the training package knows a student: it reads the images of the step. */
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

  /** torch.optim.swa_utils.update_bn over fresh images: the average of batches, not of the last few. */
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

/** Says which file is wrong: a run reads the large teacher's, too. */
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

/** A head for each level of the backbone, as wide as the teacher's level. */
function headsFor(backbone: DistillationPlan['backbone'], teacher: FeatureExtractor): Record<string, number> {
  return Object.fromEntries(
    backboneInfo(backbone).levels.map(({ name }, level) => [name, teacher.levels[level]!.channels]),
  );
}
