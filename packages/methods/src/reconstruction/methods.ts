import { DskdError } from '@dskd/base';
import type { ImageStudentOptions } from '@dskd/models';
import { z } from 'zod';
import type { FitPlan, Method } from '../contract.js';
import { imageMethod } from '../image-students/method.js';
import { epochsOf, trainingLength } from '../image-students/options.js';

const common = {
  ...trainingLength,
  /** Channels of the encoder, which halves the map once for each. */
  widths: z.array(z.int().positive()).min(1).max(12).default([16, 32, 64, 64, 64]),
  /** Length of the vector between encoder and decoder. */
  latent: z.int().positive().default(32),
  /** Slope of the leaky ReLU. */
  slope: z.number().min(0).max(1).default(0.005),
  /** Epochs in which the skip connections fade; 0 for none. Default: a fifth of the epochs. */
  fadeEpochs: z.int().nonnegative().optional(),
  /** One skip after the other, the finest first, or all at once. */
  fade: z.enum(['sequential', 'together']).default('sequential'),
  learningRate: z.number().positive().default(1e-3),
  /** Coupled, as in torch.optim.Adam. */
  weightDecay: z.number().min(0).default(1e-5),
};

const aeOptions = z.strictObject(common);
const vaeOptions = z.strictObject({
  ...common,
  /** Weight of the KL divergence. */
  beta: z.number().min(0).default(1),
});

type AeOptions = z.output<typeof aeOptions>;
type VaeOptions = z.output<typeof vaeOptions>;

/** What GCAD says of these rows of its tables; channels are ours (the guide's E_glo). */
const PAPER = {
  widths: [32, 64, 128, 256, 512],
  epochs: 500,
  fadeEpochs: 100,
  learningRate: 1e-4,
};

/** Where time alone ends a training, its skips fade in so many epochs. */
const FADE_WITHOUT_EPOCHS = 20;

function studentOf({ inputSize, seed }: FitPlan, given: AeOptions, name: 'ae' | 'vae'): ImageStudentOptions {
  const epochs = epochsOf(name, given);
  const isTimed = given.epochs === undefined && given.minutes !== undefined;
  const fadeEpochs = given.fadeEpochs ?? (isTimed ? FADE_WITHOUT_EPOCHS : Math.floor(epochs / 5));
  if (fadeEpochs >= epochs) {
    throw new DskdError(
      'invalid-config',
      `Got ${fadeEpochs} epochs in which the skip connections fade, and ${epochs} epochs of training; ` +
        'wanted fewer: a trained network has no skips.',
      { hint: 'Train longer, or set fadeEpochs to 0.', details: { fadeEpochs, epochs } },
    );
  }
  return {
    kind: 'autoencoder',
    inputSize: [inputSize[0], inputSize[1]],
    widths: given.widths,
    latent: given.latent,
    variational: name === 'vae',
    slope: given.slope,
    skips: fadeEpochs === 0 ? null : { epochs: fadeEpochs, order: given.fade },
    seed,
  };
}

function methodOf<Options extends AeOptions>(
  name: 'ae' | 'vae',
  summary: string,
  schema: z.ZodType<Options>,
  objective: (given: Options) => {
    readonly name: string;
    readonly options: Readonly<Record<string, unknown>>;
  },
): Method<Options> {
  return imageMethod<Options>({
    name,
    summary,
    options: schema,
    profiles: { paper: schema.parse(PAPER), lite: schema.parse({}) },
    teacher: false,
    training: (plan, given) => ({
      branch: 'global',
      plan: {
        student: studentOf(plan, given, name),
        objective: objective(given),
        optimizer: { learningRate: given.learningRate, beta1: 0.9, weightDecay: given.weightDecay },
      },
      levels: { fusion: 'sum', alignCorners: false },
      input: 'standardized',
      epochs: epochsOf(name, given),
      minutes: given.minutes,
      earlyStopping: given.earlyStopping,
      batchSize: given.batchSize,
    }),
  });
}

/** The autoencoder of GCAD's tables (Bergmann et al., IJCV 2022, Sec. 5.2): squared error of the reconstruction. */
export const aeMethod = methodOf<AeOptions>(
  'ae',
  'an autoencoder: what it cannot reconstruct, without a teacher (as in Bergmann et al., IJCV 2022)',
  aeOptions,
  () => ({ name: 'squaredError', options: {} }),
);

/** The same network as a variational autoencoder (Kingma & Welling, 2014). */
export const vaeMethod = methodOf<VaeOptions>(
  'vae',
  'a variational autoencoder, without a teacher (as in Bergmann et al., IJCV 2022)',
  vaeOptions,
  ({ beta }) => ({ name: 'variational', options: { beta } }),
);
