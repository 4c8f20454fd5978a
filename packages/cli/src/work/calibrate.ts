import { openSource } from '@dskd/data/node';
import { recalibrate } from '@dskd/detector';
import { saveDetectorFile } from '@dskd/detector/node';
import type { CalibrateOptions } from '../options/calibrate.js';
import { progressRenderer } from '../render/progress.js';
import { loadModel } from './load-model.js';
import { reportModel } from './report-model.js';

export async function calibrate(path: string, options: CalibrateOptions, signal: AbortSignal): Promise<void> {
  const { normals, falseAlarmRate, statistics, json, out = path } = options;
  const source = await openSource({ root: normals, signal });
  const model = await loadModel(path, options);
  try {
    await recalibrate(model.detector, source, {
      statistics,
      ...(falseAlarmRate !== undefined && { falseAlarmRate }),
      signal,
      onEvent: progressRenderer({ json }),
    });
    const { embedded: embedTeacher } = model.detector.description.teacher;
    await saveDetectorFile(model.detector, out, { embedTeacher });
    reportModel(model.detector, out, json);
  } finally {
    model.dispose();
  }
}
