import type { FeatureExtractor, Student } from '@dskd/core';
import { createObjective } from '@dskd/losses';
import { narrowStudent, summarizeStudent, type StudentSummary } from '@dskd/models';
import { inProcessRunner, measureStep, type BatchLevel, type StudentRunner } from '@dskd/training';
import * as tf from '@tensorflow/tfjs-core';
import { studentTask, type BranchPlan } from './branches.js';
import type { TrainDetectorOptions } from './training-options.js';

/** A student as far as it can be measured: whole, or narrower. */
export interface Measurable {
  readonly plan: BranchPlan;
  /** Multiply-adds of the whole student over those of this one; 1 if it is whole. */
  readonly scaledBy: number;
  /** Most images a measured step may have. */
  readonly images: number;
}

/** Parameter, gradient and Adam's two moments, float32 each. */
const BYTES_PER_PARAMETER = 16;
const FEW = 2;
/** Beyond the last a network's time has little to do with its multiply-adds. */
const FACTORS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32];

function imagesWithin(bytes: number, summary: StudentSummary): number {
  return Math.floor((bytes - summary.parameters * BYTES_PER_PARAMETER) / summary.activationBytesPerImage);
}

/** `plan`'s student if measuring it stays within `bytes`, else a narrower one. */
export function measurable(plan: BranchPlan, bytes: number): Measurable {
  const { gmac } = summarizeStudent(plan.student);
  const candidates = FACTORS.map((factor): Measurable => {
    const student = factor === 1 ? plan.student : narrowStudent(plan.student, factor);
    const summary = summarizeStudent(student);
    return {
      plan: { ...plan, student },
      scaledBy: factor === 1 ? 1 : gmac / summary.gmac,
      images: Math.max(imagesWithin(bytes, summary), FEW),
    };
  });
  return candidates.find(({ images }) => images >= 2 * FEW) ?? candidates.at(-1)!;
}

export type Seconds = ReadonlyMap<string, number>;
export type Measure = (images: number) => Promise<Seconds>;

/**
 * Seconds of a batch, by name, and how many images were measured at once. A batch that would take longer than
 * the budget is extrapolated from two smaller ones, because part of a step (the optimizer's) does not grow with
 * the images.
 */
export async function measureBatch(
  measure: Measure,
  batch: number,
  most: number,
  budget: number,
): Promise<{ seconds: Seconds; images: number }> {
  const few = Math.min(FEW, batch);
  await measure(few);
  const small = await measure(few);
  const slowest = (Math.max(...small.values()) * batch) / few;
  if (slowest <= budget && batch <= most) return { seconds: await measure(batch), images: batch };
  const more = Math.min(2 * few, batch);
  const large = await measure(more);
  const extrapolated = [...large].map(([name, seconds]): [string, number] => {
    const perImage = (seconds - small.get(name)!) / (more - few || 1);
    const straight = seconds + perImage * (batch - more);
    // Measurements of this size scatter: a step is no cheaper than a smaller one, no dearer than in proportion.
    return [name, Math.min(Math.max(straight, seconds), (seconds * batch) / more)];
  });
  return { seconds: new Map(extrapolated), images: more };
}

/** Seconds of the teacher's pass over made-up images, as `teacher`. */
export async function measureTeacher(
  extractor: FeatureExtractor,
  [height, width]: readonly [number, number],
  images: number,
): Promise<Seconds> {
  const batch = tf.fill<tf.Rank.R4>([images, height, width, 3], 0.5);
  const start = performance.now();
  const features = await extractor.extract(batch);
  // What a GPU was told to do is done when it can be read.
  await Promise.all(features.map((level) => level.data()));
  const seconds = (performance.now() - start) / 1000;
  tf.dispose([batch, ...features]);
  return new Map([['teacher', seconds]]);
}

/**
 * Seconds of the whole student's step from those of a narrower one: the objective takes as long for either, the
 * network in proportion to its multiply-adds.
 */
export function scaleNetwork(seconds: number, objective: number, scaledBy: number): number {
  return objective + Math.max(0, seconds - objective) * scaledBy;
}

/**
 * Seconds that the objective alone takes for a step, forward and backward: what of a step does not depend on the
 * student's widths. In this thread.
 */
export async function measureObjective(
  { name, objective, optimizer }: BranchPlan,
  levels: readonly BatchLevel[],
  images: number,
): Promise<number> {
  // A student whose only parameters are its predictions.
  const parameters = new Map(
    levels.map(({ name: level, shape }) => [
      level,
      tf.tidy(() => tf.variable(tf.fill<tf.Rank.R4>([images, ...shape], 0.5))),
    ]),
  );
  const student: Student = {
    parameters,
    buffers: new Map(),
    forward: () => [...parameters.values()],
    dispose: () => tf.dispose([...parameters.values()]),
  };
  const runner = inProcessRunner({ name, student, objective: createObjective(objective), optimizer });
  try {
    await measureStep([runner], levels, images);
    return (await measureStep([runner], levels, images)).get(name)!;
  } finally {
    await runner.dispose();
    student.dispose();
  }
}

/** Runs `work` on runners of `plans`, made as the training would make them, and ends them. */
export async function withRunners<T>(
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
