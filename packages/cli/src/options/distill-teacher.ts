import { z } from 'zod';
import { option, positiveInteger, positiveNumber, text, wholeNumber } from './option.js';
import { backendOption, outputOptions } from './shared.js';

const TRAINING = 'Training';

/** What `dskd distill-teacher` can be told. */
export const distillTeacherOptions = z.strictObject({
  from: option(text(), 'the large backbone to learn from, e.g. resnet50_v1', {
    main: true,
    group: 'Teacher',
    value: 'name',
  }),
  weights: option(text(), 'its weights', { main: true, group: 'Teacher', value: 'file' }),
  images: option(
    z.array(text()).default([]),
    'folders or files of images of anything, to cut crops from; a tenth is held out',
    { main: true, group: 'Images', value: 'dir', wanted: 'folders or files', defaultText: 'none' },
  ),
  proceduralFraction: option(
    z.number().min(0).max(1).optional(),
    'share of made-up images: dead leaves, noise, fractals, text, shapes, gradients',
    { main: true, group: 'Images', value: 'fraction', defaultText: '0.5, or 1 without --images' },
  ),
  size: option(
    z.int().min(32).multipleOf(16).default(128),
    'of the images trained on, a multiple of 16; the result works at any size',
    { main: true, group: 'Images', value: 'pixels', wanted: 'a multiple of 16, at least 32' },
  ),
  startFrom: option(
    text().optional(),
    'weights to start from instead of random ones, e.g. a file made on images of another size',
    { main: true, group: TRAINING, value: 'file', defaultText: 'random' },
  ),
  steps: option(positiveInteger().default(20_000), 'steps of the optimizer', {
    main: true,
    group: TRAINING,
    value: 'n',
  }),
  batchSize: option(z.int().min(2).default(32), 'images per step', {
    main: true,
    group: TRAINING,
    value: 'n',
  }),
  seed: option(wholeNumber().default(1), 'root of all randomness', {
    main: true,
    group: TRAINING,
    value: 'n',
  }),
  learningRate: option(positiveNumber().default(0.002), 'at its height; it falls by a cosine', {
    group: TRAINING,
    value: 'rate',
  }),
  evaluateEvery: option(
    positiveInteger().default(500),
    'steps between two measurements of the held-out error, and two checkpoints',
    { main: true, group: TRAINING, value: 'steps' },
  ),
  heldOutImages: option(positiveInteger().default(64), 'how many it is measured on', {
    group: TRAINING,
    value: 'n',
  }),
  checkpoint: option(text().optional(), 'save the run here, also on Ctrl-C; goes on from it if it exists', {
    main: true,
    group: 'Running',
    value: 'file',
  }),
  backend: backendOption,
  out: option(text(), 'where the weights go (.safetensors)', { main: true, group: 'Result', value: 'file' }),
  ...outputOptions('events as JSON lines on standard output'),
});

export type DistillTeacherOptions = z.output<typeof distillTeacherOptions>;
