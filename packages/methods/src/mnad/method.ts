import type { InputTransform } from '@dskd/core';
import { countSteps } from '@dskd/training';
import { z } from 'zod';
import type { FitPlan } from '../contract.js';
import { imageMethod } from '../image-students/method.js';
import { epochsOf, trainingLength } from '../image-students/options.js';
import { heldOutCount } from '../students/early-stopping.js';

const options = z.strictObject({
  ...trainingLength,
  batchSize: trainingLength.batchSize.unwrap().default(4),
  /** Channels of the encoder, which halves the map between them. The last is the length of the memory's items. */
  widths: z.array(z.int().positive()).min(2).max(8).default([16, 32, 64, 128]),
  /** Number of vectors in the memory. */
  items: z.int().min(2).max(4096).default(10),
  /** Weight of the loss that draws each position to its nearest item. */
  compactness: z.number().min(0).default(0.1),
  /** Weight of the loss that keeps the nearest item nearer than the next one. */
  separateness: z.number().min(0).default(0.1),
  /** Falls to 0 by half a cosine over the epochs; constant where time ends the training. */
  learningRate: z.number().positive().default(1e-3),
});

type MnadOptions = z.output<typeof options>;

/** GCAD's settings of its row (Bergmann et al., IJCV 2022, Sec. 5.2). */
const PAPER = { widths: [64, 128, 256, 512], epochs: 500, learningRate: 2e-5 };

/** RGB in -1..1. */
const CENTERED: InputTransform = {
  channelOrder: 'rgb',
  scale: 1,
  mean: [0.5, 0.5, 0.5],
  standardDeviation: [0.5, 0.5, 0.5],
};

function scheduleOf({ images }: FitPlan, given: MnadOptions) {
  if (given.epochs === undefined && given.minutes !== undefined) return {};
  const perEpoch = countSteps(images - heldOutCount(images, given), given.batchSize);
  return { schedule: { kind: 'cosine', steps: perEpoch * epochsOf('mnad', given) } } as const;
}

/**
 * Memory-guided normality (Park et al., CVPR 2020), its reconstruction of single images, after the authors' code
 * cvlab-yonsei/MNAD (model/Reconstruction.py, model/Memory.py, Train.py).
 */
export const mnadMethod = imageMethod<MnadOptions>({
  name: 'mnad',
  summary: 'an autoencoder that reads from a memory of good features (Park et al., CVPR 2020)',
  options,
  profiles: { paper: options.parse(PAPER), lite: options.parse({}) },
  teacher: false,
  training: (plan, given) => ({
    branch: 'global',
    plan: {
      student: {
        kind: 'memory-autoencoder',
        inputSize: [plan.inputSize[0], plan.inputSize[1]],
        widths: given.widths,
        items: given.items,
        seed: plan.seed,
      },
      objective: {
        name: 'memorizedError',
        options: { compactness: given.compactness, separateness: given.separateness },
      },
      optimizer: { learningRate: given.learningRate, beta1: 0.9, ...scheduleOf(plan, given) },
    },
    levels: { fusion: 'sum', alignCorners: false },
    input: CENTERED,
    epochs: epochsOf('mnad', given),
    minutes: given.minutes,
    earlyStopping: given.earlyStopping,
    batchSize: given.batchSize,
  }),
});
