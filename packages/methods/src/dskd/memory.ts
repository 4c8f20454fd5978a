import { summarizeStudent } from '@dskd/models';
import { countSteps, estimateMemory } from '@dskd/training';
import * as tf from '@tensorflow/tfjs-core';
import type { Alternative, CostEstimate, Execution, FitPlan, Size } from '../contract.js';
import { heldOutCount } from '../students/early-stopping.js';
import { trainingFiles } from '../students/file-bytes.js';
import { epochsFor, type DskdOptions } from './options.js';
import { planBranches } from './plan.js';
import { teacherOf } from './teacher.js';

const FLOAT_BYTES = 4;

/** Bytes of one image's teacher features, all levels. */
function featureBytesPerImage(plan: FitPlan): number {
  return teacherOf(plan)
    .extractor.outputShapes(plan.inputSize)
    .reduce((sum, shape) => sum + FLOAT_BYTES * shape.reduce((product, side) => product * side, 1), 0);
}

/** Bytes that one tensor may take on WebGPU; elsewhere there is no such limit. */
function largestBinding(): number | undefined {
  const { device } = tf.backend() as { device?: { limits?: { maxStorageBufferBindingSize?: number } } };
  return device?.limits?.maxStorageBufferBindingSize;
}

/**
 * What training needs at its peak, before anything is allocated: on wasm each heap ends at 4 GiB. A fit with a
 * `runner` is taken to have a heap per student.
 */
export function estimateCost(plan: FitPlan, options: DskdOptions): CostEstimate {
  const { images, imagesChange, execution } = plan;
  const teacher = teacherOf(plan);
  const { batchSize } = options;
  const cacheBytes = imagesChange ? 0 : execution.featureCacheBytes;
  const tensorLimit = largestBinding();
  const trained = images - heldOutCount(images, options);
  const teacherBytes = [...(teacher.weights?.values() ?? [])].reduce(
    (sum, { data }) => sum + data.byteLength,
    0,
  );
  const students = planBranches({ ...plan, teacher }, options).map(({ name, student }) => ({
    name,
    ...summarizeStudent(student),
  }));
  const memory = estimateMemory({
    teacherBytes,
    students,
    batchSize,
    featureBytesPerImage: featureBytesPerImage(plan),
    images,
    backend: tf.getBackend(),
    workers: execution.runner !== undefined,
    ...(tensorLimit !== undefined && { tensorLimit }),
    ...(cacheBytes !== undefined && { cacheBytes }),
  });
  return {
    bytes: memory.total,
    memory,
    files: trainingFiles(teacherBytes, students),
    steps: countSteps(trained, batchSize) * epochsFor(options, trained),
    ...(options.minutes !== undefined && { timeLimit: 60 * options.minutes }),
  };
}

/** A fit that would be another way to the same end. */
interface Run {
  readonly plan: FitPlan;
  readonly options: DskdOptions;
}

/** An alternative, and the runs it takes. */
interface Candidate {
  readonly alternative: Alternative;
  readonly runs: readonly Run[];
}

function threadEach({ plan, options }: Run): Candidate[] {
  if (plan.execution.runner) return [];
  // Never called: that there is a runner tells the estimate that each student has a heap of its own.
  const runner = (): Promise<never> => Promise.reject(new Error('An estimate trains nothing.'));
  const execution: Execution = { ...plan.execution, runner };
  return [{ alternative: { kind: 'worker-threads' }, runs: [{ plan: { ...plan, execution }, options }] }];
}

/** The smaller presets, without what was said about the larger one. */
function smallerPresets({ plan, options }: Run): Candidate[] {
  const { preset, gccb } = options;
  const order = ['paper', 'lite', 'nano'] as const;
  return order.slice(order.indexOf(preset) + 1).map((smaller) => ({
    alternative: { kind: 'preset', value: smaller },
    runs: [
      {
        plan,
        options: {
          ...options,
          preset: smaller,
          architecture: undefined,
          gccb: gccb?.variant && { variant: gccb.variant },
        },
      },
    ],
  }));
}

function branchesApart({ plan, options }: Run): Candidate[] {
  const branches = Object.entries(options.branches);
  if (branches.length < 2) return [];
  return [
    {
      alternative: { kind: 'branches-apart', value: branches.map(([name]) => name) },
      runs: branches.map(([name, branch]) => ({
        plan,
        options: { ...options, branches: { [name]: branch } },
      })),
    },
  ];
}

function fewerGccbChannels({ plan, options }: Run): Candidate[] {
  const { gccb } = options;
  const now = Math.max(
    0,
    ...planBranches({ ...plan, teacher: teacherOf(plan) }, options)
      .filter(({ student }) => student.branch === 'global')
      .map(({ student }) => summarizeStudent(student).architecture.gccb.channels),
  );
  return [512, 256, 128]
    .filter((channels) => channels < now)
    .map((channels) => ({
      alternative: { kind: 'gccb-channels', value: channels },
      runs: [{ plan, options: { ...options, gccb: { ...gccb, channels } } }],
    }));
}

function smallerBatches({ plan, options }: Run): Candidate[] {
  const batches: Candidate[] = [];
  for (let batch = Math.floor(options.batchSize / 2); batch >= 2; batch = Math.floor(batch / 2)) {
    const runs = [{ plan, options: { ...options, batchSize: batch } }];
    batches.push({ alternative: { kind: 'batch-size', value: batch }, runs });
  }
  return batches;
}

function smallerSizes({ plan, options }: Run): Candidate[] {
  const sizes: Candidate[] = [];
  let size: Size = plan.inputSize;
  while (Math.min(...size) >= 128) {
    // Multiples of 32 suit every backbone.
    size = size.map((side) => Math.round(side / 64) * 32) as [number, number];
    const runs = [{ plan: { ...plan, inputSize: size }, options }];
    sizes.push({ alternative: { kind: 'input-size', value: size }, runs });
  }
  return sizes;
}

/** What would fit in place of a training that does not: of each kind of change the smallest one that helps. */
export function alternatives(plan: FitPlan, options: DskdOptions, availableBytes: number): Alternative[] {
  const fits = (run: Run): boolean => {
    const { memory } = estimateCost(run.plan, run.options);
    return memory.exceeded.length === 0 && memory.total <= availableBytes;
  };
  const kinds = [threadEach, smallerPresets, branchesApart, fewerGccbChannels, smallerBatches, smallerSizes];
  const helpful = kinds.flatMap((kind) => {
    const first = kind({ plan, options }).find(({ runs }) => runs.every(fits));
    return first ? [first.alternative] : [];
  });
  if (tf.getBackend() === 'wasm' && estimateCost(plan, options).bytes <= availableBytes) {
    helpful.push({ kind: 'backend', value: 'webgpu' });
  }
  return helpful;
}
