import { DskdError } from '@dskd/base';
import { openSource } from '@dskd/data/node';
import { chooseThreshold, recalibrate } from '@dskd/detector';
import { saveDetectorFile } from '@dskd/detector/node';
import type { CalibrateOptions } from '../options/calibrate.js';
import { progressRenderer } from '../render/progress.js';
import { loadModel } from './load-model.js';
import { reportModel } from './report-model.js';

/** Options that only one rule looks at, and the ones that look at them. */
const NEEDED: readonly (readonly [
  keyof CalibrateOptions,
  string,
  readonly CalibrateOptions['thresholdFrom'][],
])[] = [
  ['anomalies', '--anomalies', ['f1-max', 'cost']],
  ['falseAlarmRate', '--false-alarm-rate', ['normals']],
  ['confidence', '--confidence', ['normals']],
  ['costOfAMiss', '--cost-of-a-miss', ['cost']],
  ['costOfAFalseAlarm', '--cost-of-a-false-alarm', ['cost']],
  ['prevalence', '--prevalence', ['cost']],
];

/** @throws {DskdError} `invalid-argument` for what the rule does not look at, or bad parts that it lacks. */
export function checkRule(options: CalibrateOptions): void {
  const { thresholdFrom, anomalies } = options;
  for (const [key, flag, rules] of NEEDED) {
    if (options[key] === undefined || rules.includes(thresholdFrom)) continue;
    throw new DskdError(
      'invalid-argument',
      `Got ${flag} with --threshold-from ${thresholdFrom}, which does not look at it.`,
      { hint: `Add --threshold-from ${rules.join(' or ')}, or leave ${flag} out.` },
    );
  }
  if (thresholdFrom !== 'normals' && anomalies === undefined) {
    throw new DskdError(
      'invalid-argument',
      `Got --threshold-from ${thresholdFrom} without images of bad parts.`,
      { hint: 'Name a folder of them: --anomalies DIR.' },
    );
  }
}

export async function calibrate(path: string, options: CalibrateOptions, signal: AbortSignal): Promise<void> {
  const { normals, anomalies, falseAlarmRate, confidence, statistics, json, out = path } = options;
  checkRule(options);
  const source = await openSource({ root: normals, signal });
  const bad = anomalies === undefined ? undefined : await openSource({ root: anomalies, signal });
  const { costOfAMiss: missCost = 1, costOfAFalseAlarm: falseAlarmCost = 1, prevalence } = options;
  const costs = { missCost, falseAlarmCost, ...(prevalence !== undefined && { prevalence }) };
  const model = await loadModel(path, options);
  try {
    await recalibrate(model.detector, source, {
      statistics,
      ...(falseAlarmRate !== undefined && { falseAlarmRate }),
      ...(confidence !== undefined && { confidence }),
      signal,
      onEvent: progressRenderer({ json }),
    });
    const chosen =
      bad &&
      (await chooseThreshold(model.detector, bad, {
        ...(options.thresholdFrom === 'cost' && { costs }),
        signal,
      }));
    const { embedded: embedTeacher } = model.detector.description.teacher;
    await saveDetectorFile(model.detector, out, { embedTeacher });
    reportModel(model.detector, out, json, chosen);
  } finally {
    model.dispose();
  }
}
