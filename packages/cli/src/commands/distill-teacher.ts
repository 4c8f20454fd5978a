import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { throwIfAborted } from '@dskd/base';
import type { Photo } from '@dskd/distillation';
import { defineCommand } from '../define-command.js';
import {
  integer,
  number,
  option,
  positiveInteger,
  positiveNumber,
  text,
  texts,
  wholeNumber,
  type OptionValues,
} from '../options/option.js';
import { backendOption, outputOptions } from '../options/shared.js';
import { printJson, printLine } from '../output/print.js';

const TRAINING = 'Training';

const distillTeacherOptions = {
  from: option(text(), 'the large backbone to distill, e.g. resnet50_v1', {
    main: true,
    group: 'Teacher',
    value: 'name',
  }),
  weights: option(text(), 'weight file of that backbone', { main: true, group: 'Teacher', value: 'file' }),
  images: option(
    texts().default([]),
    'folders or files of arbitrary images, which crops are cut from; a tenth is held out',
    { main: true, group: 'Images', value: 'dir', wanted: 'folders or files', defaultText: 'none' },
  ),
  proceduralFraction: option(
    number({ minimum: 0, maximum: 1 }).optional(),
    'share of procedural images: dead leaves, noise, fractals, text, shapes, gradients',
    { main: true, group: 'Images', value: 'fraction', defaultText: '0.5, or 1 without --images' },
  ),
  size: option(
    integer({ minimum: 32, multipleOf: 16 }).default(128),
    'size of the training images, a multiple of 16; the result works at any size',
    { main: true, group: 'Images', value: 'pixels', wanted: 'a multiple of 16, at least 32' },
  ),
  startFrom: option(text().optional(), 'initial weights, e.g. of a training on images of another size', {
    main: true,
    group: TRAINING,
    value: 'file',
    defaultText: 'random',
  }),
  steps: option(positiveInteger().default(20_000), 'number of training steps', {
    main: true,
    group: TRAINING,
    value: 'n',
  }),
  batchSize: option(integer({ minimum: 2 }).default(32), 'images per step', {
    main: true,
    group: TRAINING,
    value: 'n',
  }),
  seed: option(wholeNumber().default(1), 'seed of all random numbers', {
    main: true,
    group: TRAINING,
    value: 'n',
  }),
  learningRate: option(positiveNumber().default(0.002), 'highest learning rate, with cosine decay', {
    group: TRAINING,
    value: 'rate',
  }),
  evaluateEvery: option(
    positiveInteger().default(500),
    'steps between two measurements of the held-out error, and two checkpoints',
    { main: true, group: TRAINING, value: 'steps' },
  ),
  heldOutImages: option(positiveInteger().default(64), 'images that the held-out error is measured on', {
    group: TRAINING,
    value: 'n',
  }),
  checkpoint: option(
    text().optional(),
    'save the run to this file, also on Ctrl-C; if the file exists, resume from it',
    {
      main: true,
      group: 'Running',
      value: 'file',
    },
  ),
  backend: backendOption,
  out: option(text(), 'file of the weights (.safetensors)', { main: true, group: 'Result', value: 'file' }),
  ...outputOptions('events as JSON lines on standard output'),
};

export const distillTeacherCommand = defineCommand({
  name: 'distill-teacher',
  summary: 'distill a small teacher from a large one, on arbitrary or procedural images',
  options: distillTeacherOptions,
  run: async (options, _, signal) => runDistillation(options, signal),
});

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function photosIn(paths: readonly string[], signal: AbortSignal): Promise<Photo[]> {
  if (paths.length === 0) return [];
  const { decodeImage, listImages } = await import('@dskd/data/node');
  const photos: Photo[] = [];
  for (const file of await listImages(paths)) {
    throwIfAborted(signal);
    photos.push({ sha256: sha256Of(await readFile(file)), load: () => decodeImage(file) });
  }
  return photos;
}

async function runDistillation(
  options: OptionValues<typeof distillTeacherOptions>,
  signal: AbortSignal,
): Promise<void> {
  const { assertWritable, writeFileAtomically } = await import('@dskd/data/node');
  const { backboneInfo } = await import('@dskd/models');
  const { distillTeacher } = await import('@dskd/distillation');
  const { loadTeacherFile, startBackend } = await import('../models.js');
  const { progressRenderer } = await import('../output/progress.js');
  const { readWeightsFile } = await import('./weights/read.js');
  const { json, checkpoint, out, proceduralFraction, startFrom } = options;
  const name = backboneInfo(options.from).name;
  for (const file of [out, checkpoint]) if (file !== undefined) await assertWritable(file);
  const initial = startFrom === undefined ? undefined : await readWeightsFile(startFrom);
  const photos = await photosIn(options.images, signal);
  const backend = await startBackend(options.backend);
  if (!json) process.stderr.write(`${photos.length} images to cut crops from; backend ${backend.name}\n`);
  const teacher = await loadTeacherFile(name, options.weights);
  try {
    const { bytes, record } = await distillTeacher({
      teacher,
      photos,
      ...(proceduralFraction !== undefined && { proceduralFraction }),
      ...(initial && { startFrom: initial }),
      size: options.size,
      steps: options.steps,
      batchSize: options.batchSize,
      seed: options.seed,
      learningRate: options.learningRate,
      evaluateEvery: options.evaluateEvery,
      heldOutImages: options.heldOutImages,
      ...(checkpoint !== undefined && {
        checkpoint: { save: (saved: Uint8Array) => writeFileAtomically(checkpoint, saved) },
        ...(existsSync(checkpoint) && { resumeFrom: await readFile(checkpoint) }),
      }),
      signal,
      onEvent: progressRenderer({ json }),
    });
    await writeFileAtomically(out, bytes, { fallback: tmpdir() });
    const { backbone, heldOut } = record;
    if (json) {
      printJson({
        type: 'teacher-saved',
        path: out,
        backbone,
        bytes: bytes.length,
        sha256: sha256Of(bytes),
        heldOut,
      });
      return;
    }
    printLine(`saved ${out}: ${backbone}, ${(bytes.length / 1e6).toFixed(2)} MB`);
    printLine(`held-out error ${heldOut.mean.toFixed(4)} (1 is to predict the mean of every feature)`);
    printLine(`use it with dskd train --teacher ${backbone} --weights ${out}`);
  } finally {
    teacher.dispose();
  }
}
