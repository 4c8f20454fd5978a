import { throwIfAborted } from '@dskd/base';
import type { FeatureExtractor } from '@dskd/core';
import { narrowStudent, summariseStudent, type StudentSummary } from '@dskd/models';
import {
  countSteps,
  inProcessRunner,
  measureStep,
  type BatchLevel,
  type MemoryEstimate,
  type StudentRunner,
} from '@dskd/training';
import * as tf from '@tensorflow/tfjs-core';
import { studentTask, type BranchPlan } from './branches.js';
import { choosePictures } from './choose-pictures.js';
import { fittingAlternatives } from './fitting-alternatives.js';
import { planBranches } from './plan-branches.js';
import {
  estimateTrainingMemory,
  featureBytesPerPicture,
  featureCacheLimit,
  fits,
} from './training-memory.js';
import { TRAINING_DEFAULTS, type TrainDetectorOptions } from './training-options.js';

export interface EstimateOptions {
  /** All the memory there is, backend and host together, in bytes. Default: only the backend's own limits count. */
  readonly availableBytes?: number;
  /** What measuring one student may take of the backend's memory, in bytes. Default 1 GiB. */
  readonly measurableBytes?: number;
  /** A measured step that would take longer than this, in seconds, is measured on fewer pictures. Default 5. */
  readonly stepBudget?: number;
}

/** What a training would cost on this machine, on the current backend. */
export interface TrainingCost {
  /** Memory at the peak, backend and host together. */
  readonly bytes: number;
  /** The same in parts, with the limit of each heap. */
  readonly memory: MemoryEstimate;
  /** Optimiser steps of the whole run. */
  readonly steps: number;
  /** Mean over the run: the students' step, and the teacher's pass where its features are not kept. */
  readonly secondsPerStep: number;
  /** Of the whole run, but for reading pictures and calibrating. */
  readonly seconds: number;
  /** How the time was found. */
  readonly measured: {
    /** Pictures of the largest step that was measured; the rest is extrapolated to the batch. */
    readonly pictures: number;
    /** Seconds of the teacher's pass over one batch. */
    readonly teacherSeconds: number;
    /** By student: seconds of one step, and the multiply-adds over those of the narrower one that was measured. */
    readonly students: Readonly<Record<string, { readonly seconds: number; readonly scaledBy: number }>>;
  };
  /** Whether fewer pictures or narrower students were measured than the run has: then the time is rougher. */
  readonly scaled: boolean;
  /** Where the run cannot fit: what would, as one sentence. */
  readonly alternative?: string;
}

/** `plan` as far as it can be measured: whole, or narrower by powers of two. */
interface Measurable {
  readonly plan: BranchPlan;
  readonly scaledBy: number;
  /** Most pictures a measured step may have. */
  readonly pictures: number;
}

const GIBIBYTE = 2 ** 30;
/** Parameter, gradient and Adam's two moments, float32 each. */
const BYTES_PER_PARAMETER = 16;
const FEW = 2;
/** Narrower than this a network's time has little to do with its multiply-adds. */
const NARROWEST = 64;

function picturesWithin(bytes: number, summary: StudentSummary): number {
  return Math.floor((bytes - summary.parameters * BYTES_PER_PARAMETER) / summary.activationBytesPerPicture);
}

function measurable(plan: BranchPlan, bytes: number): Measurable {
  const { gmac } = summariseStudent(plan.student);
  for (let factor = 1; ; factor *= 2) {
    const student = factor === 1 ? plan.student : narrowStudent(plan.student, factor);
    const summary = summariseStudent(student);
    const pictures = picturesWithin(bytes, summary);
    if (pictures >= 2 * FEW || factor >= NARROWEST) {
      const scaledBy = factor === 1 ? 1 : gmac / summary.gmac;
      return { plan: { ...plan, student }, scaledBy, pictures: Math.max(pictures, FEW) };
    }
  }
}

type Seconds = ReadonlyMap<string, number>;
type Measure = (pictures: number) => Promise<Seconds>;

/**
 * Seconds of a batch, by name, and how many pictures were measured at once. A batch that would take longer than
 * the budget is extrapolated from two smaller ones, because part of a step (the optimiser's) does not grow with
 * the pictures.
 */
async function measureBatch(
  measure: Measure,
  batch: number,
  most: number,
  budget: number,
): Promise<{ seconds: Seconds; pictures: number }> {
  const few = Math.min(FEW, batch);
  await measure(few);
  const small = await measure(few);
  const slowest = (Math.max(...small.values()) * batch) / few;
  if (slowest <= budget && batch <= most) return { seconds: await measure(batch), pictures: batch };
  const more = Math.min(2 * few, batch);
  const large = await measure(more);
  const extrapolated = [...large].map(([name, seconds]): [string, number] => {
    const perPicture = (seconds - small.get(name)!) / (more - few || 1);
    const straight = seconds + perPicture * (batch - more);
    // Measurements of this size scatter: a step is no cheaper than a smaller one, no dearer than in proportion.
    return [name, Math.min(Math.max(straight, seconds), (seconds * batch) / more)];
  });
  return { seconds: new Map(extrapolated), pictures: more };
}

async function measureTeacher(
  extractor: FeatureExtractor,
  [height, width]: readonly [number, number],
  pictures: number,
): Promise<Seconds> {
  const images = tf.fill<tf.Rank.R4>([pictures, height, width, 3], 0.5);
  const start = performance.now();
  const features = await extractor.extract(images);
  // What a GPU was told to do is done when it can be read.
  await Promise.all(features.map((level) => level.data()));
  const seconds = (performance.now() - start) / 1000;
  tf.dispose([images, ...features]);
  return new Map([['teacher', seconds]]);
}

/** Runs `work` on runners of `plans`, made as the training would make them, and ends them. */
async function withRunners<T>(
  plans: readonly BranchPlan[],
  make: TrainDetectorOptions['runner'],
  work: (runners: readonly StudentRunner[]) => Promise<T>,
): Promise<T> {
  const runners: StudentRunner[] = [];
  const inThisThread: { dispose(): void }[] = [];
  try {
    for (const plan of plans) {
      if (make) {
        runners.push(await make(plan));
      } else {
        const task = studentTask(plan);
        inThisThread.push(task.student);
        runners.push(inProcessRunner(task));
      }
    }
    return await work(runners);
  } finally {
    await Promise.all(runners.map((runner) => runner.dispose()));
    for (const student of inThisThread) student.dispose();
  }
}

/** How many passes of the teacher over a picture the run takes: features are kept as far as there is room. */
function teacherPasses(options: TrainDetectorOptions, pictures: number, epochs: number): number {
  const kept = Math.floor((featureCacheLimit(options) ?? GIBIBYTE) / featureBytesPerPicture(options));
  return pictures + (epochs - 1) * Math.max(0, pictures - kept);
}

/**
 * What a training would cost here, before it starts: memory by arithmetic, time by real steps of throw-away
 * students with the given teacher on the current backend. A student too large to be measured (or to fit at all)
 * is measured with narrower layers and scaled by multiply-adds; `scaled` says so.
 * @param options what `trainDetector` would be given; its `runner` is used, too.
 * @throws {DskdError} `dataset-invalid`, `invalid-config`, `aborted`.
 */
export async function estimateTraining(
  options: TrainDetectorOptions,
  { availableBytes, measurableBytes = GIBIBYTE, stepBudget = 5 }: EstimateOptions = {},
): Promise<TrainingCost> {
  const { teacher, runner, signal } = options;
  const {
    inputSize = TRAINING_DEFAULTS.inputSize,
    batchSize = TRAINING_DEFAULTS.batchSize,
    epochs = TRAINING_DEFAULTS.epochs,
  } = options;
  const pictures = choosePictures(options.source, options).training.length;
  const memory = estimateTrainingMemory(options, pictures);
  const batch = Math.min(batchSize, pictures);
  const levels = teacher.extractor.outputShapes(inputSize).map((shape, level): BatchLevel => {
    return { name: teacher.extractor.levels[level]!.name, shape };
  });

  const abortable =
    (measure: Measure): Measure =>
    (count) => {
      throwIfAborted(signal);
      return measure(count);
    };
  const ofTeacher = await measureBatch(
    abortable((count) => measureTeacher(teacher.extractor, inputSize, count)),
    batch,
    batch,
    stepBudget,
  );
  const measurables = planBranches(options).map((plan) => measurable(plan, measurableBytes));
  // Students in threads are measured side by side, as they will run; others one by one, which takes less memory.
  const groups = runner ? [measurables] : measurables.map((each) => [each]);
  const students: Record<string, { seconds: number; scaledBy: number }> = {};
  let measuredPictures = ofTeacher.pictures;
  for (const group of groups) {
    const most = Math.min(...group.map((each) => each.pictures));
    const { seconds, pictures: atOnce } = await withRunners(
      group.map(({ plan }) => plan),
      runner,
      (runners) =>
        measureBatch(
          abortable((count) => measureStep(runners, levels, count)),
          batch,
          most,
          stepBudget,
        ),
    );
    measuredPictures = Math.min(measuredPictures, atOnce);
    for (const { plan, scaledBy } of group) {
      students[plan.name] = { seconds: seconds.get(plan.name)! * scaledBy, scaledBy };
    }
  }

  const each = Object.values(students).map(({ seconds }) => seconds);
  const studentSeconds = runner ? Math.max(...each) : each.reduce((sum, seconds) => sum + seconds, 0);
  const teacherSeconds = ofTeacher.seconds.get('teacher')!;
  const steps = countSteps(pictures, batchSize) * epochs;
  const seconds =
    steps * studentSeconds + (teacherPasses(options, pictures, epochs) * teacherSeconds) / batch;
  return {
    bytes: memory.total,
    memory,
    steps,
    secondsPerStep: seconds / steps,
    seconds,
    measured: { pictures: measuredPictures, teacherSeconds, students },
    scaled: measuredPictures < batch || Object.values(students).some(({ scaledBy }) => scaledBy !== 1),
    ...(!fits(memory, availableBytes) && {
      alternative: fittingAlternatives(options, pictures, availableBytes),
    }),
  };
}
