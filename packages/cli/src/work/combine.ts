import { openSource } from '@dskd/data/node';
import { combineDetectors } from '@dskd/detector';
import { saveDetectorFile } from '@dskd/detector/node';
import type { CombineOptions } from '../options/combine.js';
import { progressRenderer } from '../render/progress.js';
import { loadModels } from './load-model.js';
import { reportModel } from './report-model.js';

export async function combine(
  paths: readonly string[],
  options: CombineOptions,
  signal: AbortSignal,
): Promise<void> {
  const { data: root, category, falseAlarmRate, json, out } = options;
  const source = await openSource({ root, signal, ...(category !== undefined && { category }) });
  const { detectors, dispose } = await loadModels(paths, options);
  try {
    const combined = await combineDetectors(detectors, {
      source,
      signal,
      onEvent: progressRenderer({ json }),
      ...(falseAlarmRate !== undefined && { falseAlarmRate }),
    });
    try {
      const embedTeacher = detectors.every(({ description }) => description.teacher.embedded);
      await saveDetectorFile(combined, out, { embedTeacher });
      reportModel(combined, out, json);
    } finally {
      combined.dispose();
    }
  } finally {
    dispose();
  }
}
