import { z } from 'zod';
import { IMAGE_AS_IT_IS } from '../image-students/image-extractor.js';
import { imageMethod } from '../image-students/method.js';
import { epochsOf, trainingLength } from '../image-students/options.js';

const options = z.strictObject({
  ...trainingLength,
  /** Whether the network reads gray images, as published for MVTec AD. */
  gray: z.boolean().default(true),
  /** Channels of its first layer. */
  width: z.int().positive().max(4096).default(32),
  /** Length of the vector between encoder and decoder. */
  latent: z.int().positive().default(100),
  learningRate: z.number().positive().default(5e-4),
  /** The rate of step t is the first one divided by `1 + decay t`, as in Keras. */
  decay: z.number().min(0).default(1e-5),
});

type SsimOptions = z.output<typeof options>;

/**
 * The autoencoder of Bergmann et al. (2018), trained with structural similarity, after the code
 * plutoyuxie/AutoEncoder-SSIM-for-unsupervised-anomaly-detection- (network.py, options.py).
 */
export const aeSsimMethod = imageMethod<SsimOptions>({
  name: 'ae-ssim',
  summary: 'an autoencoder of gray images trained with structural similarity (Bergmann et al., 2018)',
  options,
  profiles: {
    paper: options.parse({ epochs: 200, batchSize: 128, learningRate: 2e-4 }),
    lite: options.parse({}),
  },
  teacher: false,
  training: ({ inputSize, seed }, given) => ({
    branch: 'global',
    plan: {
      student: {
        kind: 'ssim-autoencoder',
        inputSize: [inputSize[0], inputSize[1]],
        channels: given.gray ? 1 : 3,
        width: given.width,
        latent: given.latent,
        seed,
      },
      objective: { name: 'structuralSimilarity', options: {} },
      optimizer: {
        learningRate: given.learningRate,
        beta1: 0.9,
        schedule: { kind: 'inverse-time', decay: given.decay },
      },
    },
    levels: { fusion: 'sum', alignCorners: false },
    input: IMAGE_AS_IT_IS,
    epochs: epochsOf('ae-ssim', given),
    minutes: given.minutes,
    earlyStopping: given.earlyStopping,
    batchSize: given.batchSize,
  }),
});
