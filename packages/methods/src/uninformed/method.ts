import { DskdError, randomStream } from '@dskd/base';
import { z } from 'zod';
import type { Fit, FitInput, FitPlan, Method } from '../contract.js';
import { TRAINING_DEFAULTS } from '../defaults.js';
import { estimateTargetTraining, trainNetworks, type TargetTraining } from '../patch-students/fit.js';
import { lengthOf, patchTrainingLength } from '../patch-students/options.js';
import { subsetOf } from '../students/early-stopping.js';
import { measureConstants, restoreUninformed, UninformedModel } from './model.js';

const side = z.literal([17, 33]);

const options = z.strictObject({
  ...patchTrainingLength,
  /** Steps, in whole epochs, where neither `epochs` nor `minutes` are given. */
  steps: z.int().positive().default(TRAINING_DEFAULTS.patchStudents.steps.us),
  /** Channels of the networks and of their target: the paper's, or an eighth and half of them. */
  size: z.enum(['lite', 'paper']).default('lite'),
  /** Sides of the patches that students see, in pixels; each has students of its own. */
  patches: z
    .array(side)
    .min(1)
    .refine((sides) => new Set(sides).size === sides.length, 'sides must differ')
    .default([17, 33]),
  /** Students for each side. */
  students: z.int().min(2).max(16).default(3),
  learningRate: z.number().positive().default(1e-3),
  /** Coupled, as in torch.optim.Adam. */
  weightDecay: z.number().min(0).default(1e-5),
});

type UsOptions = z.output<typeof options>;

const SIZES = {
  lite: { widths: [16, 32, 32], channels: 64 },
  paper: { widths: [128, 256, 256], channels: 128 },
} as const;

/** Slope of the leaky ReLU. */
const SLOPE = 0.005;

/** Part of the training images that no student is trained on: they give the constants of the maps. */
const CONSTANTS_FRACTION = 0.1;
const LEAST_IMAGES = 3;

function constantsCount(images: number): number {
  return Math.max(1, Math.round(CONSTANTS_FRACTION * images));
}

function trainingOf({ inputSize, seed, images }: FitPlan, given: UsOptions): TargetTraining {
  const { widths, channels } = SIZES[given.size];
  const { learningRate, weightDecay, earlyStopping, batchSize } = given;
  const { epochs, minutes } = lengthOf(given, images - constantsCount(images));
  return {
    plans: given.patches.flatMap((patch) =>
      Array.from({ length: given.students }, (_, index) => ({
        name: `p${patch}-${index + 1}`,
        student: {
          kind: 'patch' as const,
          inputSize: [inputSize[0], inputSize[1]] as const,
          side: patch,
          widths: [...widths] as [number, number, number],
          channels,
          slope: SLOPE,
          // Weights are drawn by seed and layer: each student has its own seed.
          seed: randomStream(seed, 'uninformed-student', patch, index).integer(2 ** 31),
        },
        objective: { name: 'squaredError', options: {} },
        optimizer: { learningRate, beta1: 0.9, weightDecay },
      })),
    ),
    input: 'standardized',
    alteration: 0,
    epochs,
    minutes,
    earlyStopping,
    batchSize,
  };
}

/** Which images are trained on, and which give the constants: drawn by the seed, the former in their order. */
function split({ trainingImages, seed }: FitInput): { train: number[]; constants: number[] } {
  const order = Array.from({ length: trainingImages.length }, (_, index) => index);
  const constants = randomStream(seed, 'constants')
    .shuffle([...order])
    .slice(0, constantsCount(order.length));
  return { train: order.filter((index) => !constants.includes(index)), constants };
}

async function fit(input: FitInput, given: UsOptions): Promise<Fit> {
  if (input.images < LEAST_IMAGES) {
    throw new DskdError(
      'dataset-invalid',
      `The method us fits on at least ${LEAST_IMAGES} good images; got ${input.images}, besides those that calibrate.`,
      { hint: 'Give more images of good parts: a few dozen are a good start.' },
    );
  }
  const { train, constants } = split(input);
  const trained = { ...input, images: train.length, trainingImages: subsetOf(input.trainingImages, train) };
  const { networks, record } = await trainNetworks('us', trained, trainingOf(input, given));
  try {
    const measured = await measureConstants(
      networks,
      subsetOf(input.trainingImages, constants),
      input.signal,
    );
    return {
      model: new UninformedModel('us', networks, measured),
      record: { ...record, constantsImages: constants.length },
      batchSize: given.batchSize,
    };
  } catch (error) {
    networks.dispose();
    throw error;
  }
}

/** Uninformed students (Bergmann et al., CVPR 2020), strided, on the embedding of a teacher. */
export const usMethod: Method<UsOptions> = {
  name: 'us',
  summary:
    'students of patches: how far they are from the teacher and from each other (Bergmann et al., CVPR 2020)',
  options,
  profiles: {
    paper: options.parse({ size: 'paper', epochs: 100, batchSize: 1, learningRate: 1e-4 }),
    lite: options.parse({}),
  },
  needs: { teacher: true, validation: false },
  keepsPatches: () => false,
  tiling: (given) => ({ tile: given, whole: null }),
  estimate: (plan, given) =>
    estimateTargetTraining(
      'us',
      { ...plan, images: plan.images - constantsCount(plan.images) },
      trainingOf(plan, given),
    ),
  fit,
  restore: (saved, context) => Promise.resolve().then(() => restoreUninformed('us', saved, context)),
};
