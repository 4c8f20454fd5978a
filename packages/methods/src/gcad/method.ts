import { DskdError } from '@dskd/base';
import type { ImageStudentOptions } from '@dskd/models';
import { z } from 'zod';
import type { FitPlan } from '../contract.js';
import { imageMethod } from '../image-students/method.js';
import { epochsOf, trainingLength } from '../image-students/options.js';
import { planEmbedding } from '../image-students/teacher-embedding.js';

const count = z.int().positive();

const options = z.strictObject({
  ...trainingLength,
  batchSize: trainingLength.batchSize.unwrap().default(4),
  /** Channels of the local teacher's features: the embedding of the teacher's levels. */
  channels: count.max(4096).default(128),
  /** Channels of both U-Nets, from the image's size down. */
  unetWidths: z.array(count).min(3).max(8).default([16, 32, 64, 128, 256]),
  /** Channels of the encoder of the bottleneck network, which halves the map once for each. */
  widths: z.array(count).min(1).max(12).default([16, 32, 64, 64, 64]),
  /** Length of the vector between its encoder and its decoder. */
  latent: count.default(32),
  /** Channels of what it gives. */
  global: count.max(4096).default(10),
  /** Channels between these and the local teacher's. */
  bridge: count.max(4096).default(64),
  /** Epochs in which its skip connections fade; 0 for none. Default: a fifth of the epochs. */
  fadeEpochs: z.int().nonnegative().optional(),
  /** Epochs without the network that predicts what it gives. Default: a tenth of the epochs. */
  globalFrom: z.int().nonnegative().optional(),
  learningRate: z.number().positive().default(1e-3),
  /** Coupled, as in torch.optim.Adam. */
  weightDecay: z.number().min(0).default(1e-5),
});

type GcadOptions = z.output<typeof options>;

/** Sec. 5.2 of the paper; widths of the bottleneck network are ours. */
const PAPER = {
  unetWidths: [64, 128, 256, 512, 1024],
  widths: [32, 64, 128, 256, 512],
  bridge: 128,
  epochs: 500,
  learningRate: 1e-4,
};

/** Where time alone ends a training, as if there were so many epochs. */
const EPOCHS_OF_TIMED = 20;

function studentOf({ teacher, inputSize, seed }: FitPlan, given: GcadOptions): ImageStudentOptions {
  if (!teacher) {
    throw new DskdError('invalid-argument', 'The method gcad needs a teacher; got none.', {
      hint: 'loadTeacher of @dskd/models makes one; the package dskd brings its own.',
    });
  }
  const { channels, unetWidths, widths, latent, global, bridge } = given;
  const isTimed = given.epochs === undefined && given.minutes !== undefined;
  const epochs = isTimed ? EPOCHS_OF_TIMED : epochsOf('gcad', given);
  const { fadeEpochs = Math.floor(epochs / 5), globalFrom = Math.floor(epochs / 10) } = given;
  if (!isTimed && Math.max(fadeEpochs, globalFrom) >= epochs) {
    throw new DskdError(
      'invalid-config',
      `Got ${fadeEpochs} epochs in which the skip connections fade, ${globalFrom} without the global regression and ` +
        `${epochs} epochs of training; wanted fewer than these.`,
      {
        hint: 'Train longer, or set fadeEpochs and globalFrom to 0.',
        details: { fadeEpochs, globalFrom, epochs },
      },
    );
  }
  const { grid } = planEmbedding(teacher.extractor, inputSize, channels);
  return {
    kind: 'gcad',
    inputSize: [inputSize[0], inputSize[1]],
    target: [grid[0], grid[1], channels],
    unetWidths,
    widths,
    latent,
    global,
    bridge,
    skips: fadeEpochs === 0 ? null : { epochs: fadeEpochs, order: 'sequential' },
    globalFrom,
    seed,
  };
}

/** GCAD, the global context anomaly detection of Bergmann et al. (IJCV 2022), by its paper: there is no public code. */
export const gcadMethod = imageMethod<GcadOptions>({
  name: 'gcad',
  summary:
    'local: a U-Net that predicts a teacher; global: one that predicts an autoencoder of few channels (Bergmann et al., IJCV 2022)',
  options,
  profiles: { paper: options.parse(PAPER), lite: options.parse({}) },
  teacher: true,
  training: (plan, given) => ({
    branch: 'both',
    plan: {
      student: studentOf(plan, given),
      objective: { name: 'globalContext', options: {} },
      optimizer: { learningRate: given.learningRate, beta1: 0.9, weightDecay: given.weightDecay },
    },
    levels: { fusion: 'sum', alignCorners: false },
    input: 'standardized',
    epochs: epochsOf('gcad', given),
    minutes: given.minutes,
    earlyStopping: given.earlyStopping,
    batchSize: given.batchSize,
  }),
});
