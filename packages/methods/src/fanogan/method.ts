import { DskdError } from '@dskd/base';
import type { InputTransform } from '@dskd/core';
import { countSteps, type ParameterGroups } from '@dskd/training';
import { z } from 'zod';
import type { FitPlan } from '../contract.js';
import { imageMethod } from '../image-students/method.js';
import { epochsOf, trainingLength } from '../image-students/options.js';
import { heldOutCount } from '../students/early-stopping.js';

const count = z.int().positive();

const options = z.strictObject({
  ...trainingLength,
  /** Channels at 64 pixels; deeper maps have up to eight times as many. */
  width: count.max(1024).default(16),
  /** Length of the vector that an image is made of. */
  latent: count.max(65_536).default(64),
  /** Steps of the critic for each one of the generator. */
  criticSteps: count.max(1000).default(2),
  /** Epochs that train critic and generator; the encoder is trained in those after them. Default: three fifths of the epochs. */
  encoderFrom: count.optional(),
  /** Steps of the encoder, in whole epochs, where 'epochs' is left out. */
  encoderSteps: count.optional(),
  /** Weight of the gradient penalty. */
  penalty: z.number().min(0).default(10),
  /** Weight of the critic's features in the encoder's loss. */
  kappa: z.number().min(0).default(1),
  /** Of critic and generator. */
  learningRate: z.number().positive().default(1e-3),
  encoderLearningRate: z.number().positive().default(1e-3),
  /** `max`: the maximum of the map. `loss`: also the encoder's loss of an image, the paper's score, in a branch `pooled`. */
  imageScore: z.enum(['max', 'loss']).default('max'),
});

type FanoganOptions = z.output<typeof options>;

/** The authors' networks and rates; 100 epochs of the GAN as in GCAD's row of the tables (Bergmann et al., IJCV 2022, Sec. 5.2). */
const PAPER = {
  width: 64,
  latent: 128,
  batchSize: 64,
  criticSteps: 5,
  encoderFrom: 100,
  encoderSteps: 50_000,
  learningRate: 1e-4,
  encoderLearningRate: 5e-5,
};

/** In -1..1; the network reads the luma of it. */
const CENTERED: InputTransform = {
  channelOrder: 'rgb',
  scale: 1,
  mean: [0.5, 0.5, 0.5],
  standardDeviation: [0.5, 0.5, 0.5],
};

interface Length {
  readonly epochs: number;
  /** Null: the encoder is trained in the same steps, because the training may end at any time. */
  readonly encoderFrom: number | null;
  readonly stepsPerEpoch: number;
}

/** @throws {DskdError} `invalid-config` where no epochs are left for the encoder. */
function lengthOf({ images }: FitPlan, given: FanoganOptions): Length {
  const { batchSize, minutes, earlyStopping, encoderSteps } = given;
  const stepsPerEpoch = countSteps(images - heldOutCount(images, given), batchSize);
  if (minutes !== undefined || earlyStopping) {
    return { epochs: epochsOf('fanogan', given), encoderFrom: null, stepsPerEpoch };
  }
  const whole = epochsOf('fanogan', given);
  const encoderFrom = given.encoderFrom ?? Math.max(1, Math.floor((3 * whole) / 5));
  const epochs =
    given.epochs === undefined && encoderSteps !== undefined
      ? encoderFrom + Math.ceil(encoderSteps / stepsPerEpoch)
      : whole;
  if (encoderFrom >= epochs) {
    throw new DskdError(
      'invalid-config',
      `Got ${encoderFrom} epochs of critic and generator before the encoder is trained, and ${epochs} epochs of training; ` +
        'wanted fewer.',
      { hint: 'Train longer, or set encoderFrom to fewer epochs.', details: { encoderFrom, epochs } },
    );
  }
  return { epochs, encoderFrom, stepsPerEpoch };
}

function groupsOf(given: FanoganOptions, { encoderFrom, stepsPerEpoch }: Length): ParameterGroups {
  const { criticSteps, learningRate, encoderLearningRate } = given;
  const adam = { learningRate, beta1: 0, beta2: 0.9 } as const;
  const optimizers = {
    critic: adam,
    generator: adam,
    encoder: { kind: 'rmsprop', learningRate: encoderLearningRate },
  } as const;
  const isLast = (step: number): boolean => step === criticSteps - 1;
  const cycle = Array.from({ length: criticSteps }, (_, step) =>
    isLast(step) ? ['critic', 'generator'] : ['critic'],
  );
  const phases =
    encoderFrom === null
      ? // The encoder first: its loss is that of the step.
        [{ cycle: cycle.map((groups) => ['encoder', ...groups]) }]
      : [{ steps: encoderFrom * stepsPerEpoch, cycle }, { cycle: [['encoder']] }];
  return { kind: 'groups', optimizers, phases };
}

/**
 * f-AnoGAN (Schlegl et al., Medical Image Analysis 2019), after the authors' code tSchlegl/f-AnoGAN (wgangp_64x64.py,
 * z_encoding_izif.py).
 */
export const fanoganMethod = imageMethod<FanoganOptions>({
  name: 'fanogan',
  summary:
    'a GAN of gray images of 64 pixels, and an encoder of images to its vectors (Schlegl et al., 2019)',
  options,
  profiles: { paper: options.parse(PAPER), lite: options.parse({}) },
  teacher: false,
  training(plan, given) {
    const { width, latent, kappa, penalty, imageScore, batchSize, minutes, earlyStopping } = given;
    const length = lengthOf(plan, given);
    return {
      branch: 'global',
      plan: {
        student: {
          kind: 'fanogan',
          inputSize: [plan.inputSize[0], plan.inputSize[1]],
          width,
          latent,
          features: imageScore === 'loss',
          trained: false,
          seed: plan.seed,
        },
        objective: { name: 'encodedError', options: { kappa } },
        objectives: {
          critic: { name: 'wassersteinCritic', options: { penalty } },
          generator: { name: 'wassersteinGenerator', options: {} },
        },
        optimizer: groupsOf(given, length),
      },
      levels: { fusion: 'sum', alignCorners: false },
      imageScore: imageScore === 'loss' ? 'loss' : 'map',
      input: CENTERED,
      epochs: length.epochs,
      minutes,
      earlyStopping,
      batchSize,
    };
  },
});
