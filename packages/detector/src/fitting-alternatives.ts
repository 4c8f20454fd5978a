import { presetArchitecture } from '@dskd/models';
import { assertFits } from '@dskd/training';
import * as tf from '@tensorflow/tfjs-core';
import { estimateTrainingMemory, fits } from './training-memory.js';
import { DEFAULT_BRANCHES, TRAINING_DEFAULTS, type TrainDetectorOptions } from './training-options.js';

/** Another way to train: how it is asked for, and the runs it takes. */
interface Alternative {
  readonly says: string;
  readonly runs: readonly TrainDetectorOptions[];
}

/** The smaller presets, without what was said about the larger one. */
function smallerPresets(options: TrainDetectorOptions): Alternative[] {
  const { preset = TRAINING_DEFAULTS.preset, gccb } = options;
  const order = ['paper', 'lite', 'nano'] as const;
  return order.slice(order.indexOf(preset) + 1).map((smaller) => ({
    says: `--preset ${smaller}`,
    runs: [
      {
        ...options,
        preset: smaller,
        architecture: undefined,
        gccb: gccb?.variant && { variant: gccb.variant },
      },
    ],
  }));
}

function studentsApart(options: TrainDetectorOptions): Alternative[] {
  const branches = Object.entries(options.branches ?? DEFAULT_BRANCHES);
  if (branches.length < 2) return [];
  const flags = branches.map(([name]) => `--student ${name}`).join(' and ');
  const runs = branches.map(([name, branch]) => ({ ...options, branches: { [name]: branch } }));
  return [{ says: `the students apart (${flags}, then dskd combine)`, runs }];
}

function threadEach(options: TrainDetectorOptions): Alternative[] {
  if (options.runner) return [];
  // Never called: that there is a runner tells the estimate that each student has a heap of its own.
  const runner = (): Promise<never> => Promise.reject(new Error('An estimate trains nothing.'));
  return [{ says: 'a worker thread for each student', runs: [{ ...options, runner }] }];
}

function fewerGccbChannels(options: TrainDetectorOptions): Alternative[] {
  const { preset = TRAINING_DEFAULTS.preset, architecture, gccb, teacher } = options;
  const now =
    gccb?.channels ??
    (architecture?.gccb ?? presetArchitecture(preset, teacher.extractor.levels).gccb).channels;
  return [512, 256, 128]
    .filter((channels) => channels < now)
    .map((channels) => ({
      says: `--gccb-channels ${channels}`,
      runs: [{ ...options, gccb: { ...gccb, channels } }],
    }));
}

function smallerBatches(options: TrainDetectorOptions): Alternative[] {
  const batches: Alternative[] = [];
  const { batchSize = TRAINING_DEFAULTS.batchSize } = options;
  for (let batch = Math.floor(batchSize / 2); batch >= 2; batch = Math.floor(batch / 2)) {
    batches.push({ says: `--batch-size ${batch}`, runs: [{ ...options, batchSize: batch }] });
  }
  return batches;
}

function smallerSizes(options: TrainDetectorOptions): Alternative[] {
  const sizes: Alternative[] = [];
  let size: readonly [number, number] = options.inputSize ?? TRAINING_DEFAULTS.inputSize;
  while (Math.min(...size) >= 128) {
    // Multiples of 32 suit every backbone.
    const [height, width] = size.map((side) => Math.round(side / 64) * 32) as [number, number];
    const says = height === width ? `--size ${height}` : `--size ${height}x${width}`;
    size = [height, width];
    sizes.push({ says, runs: [{ ...options, inputSize: size }] });
  }
  return sizes;
}

/**
 * What would fit instead of a training that does not, as one sentence: of each kind of change the smallest one
 * that helps.
 * @param images how many are trained on.
 * @param availableBytes all that this machine has, backend and host together, where that is known.
 */
export function fittingAlternatives(
  options: TrainDetectorOptions,
  images: number,
  availableBytes = Infinity,
): string {
  const kinds = [threadEach, smallerPresets, studentsApart, fewerGccbChannels, smallerBatches, smallerSizes];
  const helpful = kinds.flatMap((kind) => {
    const first = kind(options).find(({ runs }) =>
      runs.every((run) => fits(estimateTrainingMemory(run, images), availableBytes)),
    );
    return first ? [first.says] : [];
  });
  if (tf.getBackend() === 'wasm' && estimateTrainingMemory(options, images).total <= availableBytes) {
    helpful.push('--backend webgpu, which has no limit of 4 GiB');
  }
  if (helpful.length === 0) return 'Nothing smaller fits either: take a machine with more memory.';
  return `What would fit: ${helpful.join('; or ')}.`;
}

/**
 * Refuses a training that cannot fit, before anything is allocated.
 * @throws {DskdError} `out-of-memory`, whose hint names what would fit.
 */
export function assertTrainingFits(options: TrainDetectorOptions, images: number): void {
  const estimate = estimateTrainingMemory(options, images);
  if (!fits(estimate)) assertFits(estimate, fittingAlternatives(options, images));
}
