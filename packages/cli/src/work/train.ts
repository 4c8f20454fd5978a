import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import { formatSummary, summarise } from '@dskd/data';
import { assertWritable, decodeMask, openSource, writeFileAtomically } from '@dskd/data/node';
import { backboneName, trainDetector } from '@dskd/detector';
import { loadTeacherFile, saveDetectorFile, workerRunnerFor } from '@dskd/detector/node';
import { startBackend } from '../backend.js';
import type { TrainOptions } from '../options/train.js';
import { progressRenderer } from '../render/progress.js';
import { augmentationOf } from './augmentation-of.js';
import { reportModel } from './report-model.js';
import { trainingChoices } from './training-choices.js';
import { sayCost } from './training-cost.js';

export async function train(options: TrainOptions, signal: AbortSignal): Promise<void> {
  const { json, checkpoint, category, ignoreMask } = options;
  const teacherName = backboneName(options.teacher);
  for (const file of options.dryRun ? [] : [options.out, checkpoint]) {
    if (file !== undefined) await assertWritable(file);
  }
  const augmentation = await augmentationOf(options);
  const ignored = ignoreMask === undefined ? undefined : await decodeMask(ignoreMask);
  const source = await openSource({
    root: options.data,
    signal,
    ...(category !== undefined && { category }),
  });
  const backend = await startBackend(options.backend);
  if (!json) {
    process.stderr.write(`${formatSummary(summarise(source))}\n`);
    process.stderr.write(`backend ${backend.name}\n`);
  }
  const threads = options.workers && backend.name !== 'webgpu' && os.availableParallelism() > 1;
  const teacher = await loadTeacherFile(teacherName, options.weights);
  try {
    const training = {
      ...trainingChoices(options),
      source,
      teacher,
      ...(augmentation && { augmentation }),
      ...(ignored && { ignored }),
      ...(threads && { runner: workerRunnerFor() }),
      signal,
    };
    if (options.preset === 'paper' || options.dryRun) await sayCost(training, json);
    if (options.dryRun) return;
    const detector = await trainDetector({
      ...training,
      ...(checkpoint !== undefined && {
        checkpoint: {
          everyEpochs: options.checkpointEvery,
          save: (bytes: Uint8Array) => writeFileAtomically(checkpoint, bytes),
        },
        ...(existsSync(checkpoint) && { resumeFrom: await readFile(checkpoint) }),
      }),
      onEvent: progressRenderer({ json }),
    });
    try {
      const { embedTeacher, storage, out } = options;
      await saveDetectorFile(detector, out, { embedTeacher, storage });
      reportModel(detector, out, json);
    } finally {
      detector.dispose();
    }
  } finally {
    teacher.dispose();
  }
}
