import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { throwIfAborted } from '@dskd/base';
import { assertWritable, decodeImage, listImages, writeFileAtomically } from '@dskd/data/node';
import { backboneName } from '@dskd/detector';
import { distillTeacher, type Photo } from '@dskd/detector/distillation';
import { loadTeacherFile } from '@dskd/detector/node';
import { startBackend } from '../backend.js';
import type { DistillTeacherOptions } from '../options/distill-teacher.js';
import { printJson, printLine } from '../output.js';
import { progressRenderer } from '../render/progress.js';
import { readWeightsFile } from './read-weights-file.js';

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function photosIn(paths: readonly string[], signal: AbortSignal): Promise<Photo[]> {
  if (paths.length === 0) return [];
  const photos: Photo[] = [];
  for (const file of await listImages(paths)) {
    throwIfAborted(signal);
    photos.push({ sha256: sha256Of(await readFile(file)), load: () => decodeImage(file) });
  }
  return photos;
}

export async function distill(options: DistillTeacherOptions, signal: AbortSignal): Promise<void> {
  const { json, checkpoint, out, proceduralFraction, startFrom } = options;
  const name = backboneName(options.from);
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
    await writeFileAtomically(out, bytes);
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
