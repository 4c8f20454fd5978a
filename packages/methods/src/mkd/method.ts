import { DskdError } from '@dskd/base';
import type { ImageStudentOptions } from '@dskd/models';
import { z } from 'zod';
import type { FitPlan } from '../contract.js';
import { IMAGE_AS_IT_IS } from '../image-students/image-extractor.js';
import { imageMethod } from '../image-students/method.js';
import { epochsOf, trainingLength } from '../image-students/options.js';

const options = z.strictObject({
  ...trainingLength,
  /** Channels of the cloner's convolutions between the teacher's levels. */
  width: z.int().positive().max(4096).default(16),
  /** Weight of the squared error beside the cosine. */
  lambda: z.number().min(0).default(0.5),
  /** `loss`: the loss of an image is a branch `global` of its own; `max`: there is the map alone. */
  imageScore: z.enum(['max', 'loss']).default('loss'),
  learningRate: z.number().positive().default(1e-3),
});

type MkdOptions = z.output<typeof options>;

function studentOf({ teacher, inputSize, seed }: FitPlan, { width }: MkdOptions): ImageStudentOptions {
  if (!teacher) {
    throw new DskdError('invalid-argument', 'The method mkd needs a teacher; got none.', {
      hint: 'loadTeacher of @dskd/models makes one; the package dskd brings its own.',
    });
  }
  return {
    kind: 'cloner',
    inputSize: [inputSize[0], inputSize[1]],
    width,
    levels: teacher.extractor.levels.map(({ stride, channels }) => ({ stride, channels })),
    seed,
  };
}

/**
 * Multiresolution knowledge distillation (Salehi et al., CVPR 2021), after the authors' code
 * rohban-lab/Knowledge_Distillation_AD (models/network.py, loss_functions.py, configs/config.yaml).
 */
export const mkdMethod = imageMethod<MkdOptions>({
  name: 'mkd',
  summary:
    'a small plain network of the image that predicts a teacher at several levels (Salehi et al., CVPR 2021)',
  options,
  profiles: { paper: options.parse({ epochs: 601, batchSize: 64 }), lite: options.parse({}) },
  teacher: true,
  training: (plan, given) => ({
    branch: 'local',
    plan: {
      student: studentOf(plan, given),
      objective: { name: 'cosineAndError', options: { lambda: given.lambda } },
      optimizer: { learningRate: given.learningRate, beta1: 0.9 },
    },
    levels: { fusion: 'sum', alignCorners: false },
    imageScore: given.imageScore === 'loss' ? 'loss' : 'map',
    input: IMAGE_AS_IT_IS,
    epochs: epochsOf('mkd', given),
    minutes: given.minutes,
    earlyStopping: given.earlyStopping,
    batchSize: given.batchSize,
  }),
});
