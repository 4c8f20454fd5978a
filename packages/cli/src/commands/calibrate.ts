import { DskdError } from '@dskd/base';
import { defineCommand } from '../define-command.js';
import {
  boolean,
  choice,
  flagOf,
  fraction,
  option,
  positiveNumber,
  text,
  type OptionValues,
} from '../options/option.js';
import {
  backendOption,
  configOption,
  MODEL_ARGUMENT,
  outputOptions,
  pluginOption,
  teacherWeightsOption,
} from '../options/shared.js';

export const calibrateOptions = {
  normals: option(text(), 'images of good parts that the model was not trained on: a folder or a manifest', {
    main: true,
    group: 'Data',
    value: 'dir',
    path: true,
    example: 'good-parts',
  }),
  anomalies: option(text().optional(), 'images of bad parts, for --threshold-from f1-max or cost', {
    main: true,
    group: 'Data',
    value: 'dir',
    path: true,
    example: 'bad-parts',
  }),
  thresholdFrom: option(
    choice('normals', 'f1-max', 'cost').default('normals'),
    'how the threshold is chosen: by a false-alarm rate, the highest F1, or the lowest cost of errors',
    { main: true, group: 'Calibration', value: 'rule' },
  ),
  falseAlarmRate: option(fraction().optional(), 'false-alarm rate, for --threshold-from normals', {
    main: true,
    group: 'Calibration',
    value: 'rate',
    defaultText: "the model's own",
    example: 0.05,
  }),
  confidence: option(
    fraction().optional(),
    'probability that the rate is kept; a higher one takes more images',
    { group: 'Calibration', value: 'share', defaultText: 'the rate is kept on average', example: 0.95 },
  ),
  costOfAMiss: option(positiveNumber().optional(), 'in the unit of --cost-of-a-false-alarm', {
    group: 'Calibration',
    value: 'cost',
    defaultText: '1',
    example: 10,
  }),
  costOfAFalseAlarm: option(positiveNumber().optional(), 'in the unit of --cost-of-a-miss', {
    group: 'Calibration',
    value: 'cost',
    defaultText: '1',
    example: 1,
  }),
  prevalence: option(fraction().optional(), 'share of bad parts in production, for --threshold-from cost', {
    group: 'Calibration',
    value: 'share',
    defaultText: 'their share among the given images',
    example: 0.01,
  }),
  statistics: option(
    boolean().default(false),
    'also measure the normalization statistics of each branch on these images',
    { main: true, group: 'Calibration' },
  ),
  out: option(text().optional(), 'file of the calibrated model', {
    main: true,
    group: 'Result',
    value: 'file',
    path: true,
    defaultText: 'replaces the model',
    example: 'calibrated.safetensors',
  }),
  weights: teacherWeightsOption,
  backend: backendOption,
  plugin: pluginOption,
  config: configOption,
  ...outputOptions('events as JSON lines on standard output'),
};

export type CalibrateOptions = OptionValues<typeof calibrateOptions>;

export const calibrate = defineCommand({
  name: 'calibrate',
  summary: 'set the threshold of a model for a false-alarm rate, without training again',
  arguments: [MODEL_ARGUMENT],
  options: calibrateOptions,
  run: async (options, [model], signal) => runCalibration(model!, options, signal),
});

/** Options that only some rules use, with the rules that use them. */
const USED_BY = {
  anomalies: ['f1-max', 'cost'],
  falseAlarmRate: ['normals'],
  confidence: ['normals'],
  costOfAMiss: ['cost'],
  costOfAFalseAlarm: ['cost'],
  prevalence: ['cost'],
} as const satisfies Partial<Record<keyof CalibrateOptions, readonly CalibrateOptions['thresholdFrom'][]>>;

/**
 * @throws {DskdError} `invalid-argument` for an option that the rule does not use, or if images of bad parts are
 * missing.
 */
export function checkRule(options: CalibrateOptions): void {
  const { thresholdFrom, anomalies } = options;
  for (const [key, rules] of Object.entries(USED_BY)) {
    const used = rules.some((rule) => rule === thresholdFrom);
    if (options[key as keyof typeof USED_BY] === undefined || used) continue;
    const flag = flagOf(key);
    throw new DskdError(
      'invalid-argument',
      `Got ${flag} with --threshold-from ${thresholdFrom}, which does not use it.`,
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

async function runCalibration(path: string, options: CalibrateOptions, signal: AbortSignal): Promise<void> {
  const { normals, anomalies, falseAlarmRate, confidence, statistics, json, out = path } = options;
  checkRule(options);
  const { chooseThreshold, recalibrate } = await import('@dskd/detector');
  const { saveDetectorFile } = await import('@dskd/detector/node');
  const { loadModel } = await import('../models.js');
  const { openData } = await import('../open-data.js');
  const { progressRenderer } = await import('../output/progress.js');
  const { printSavedModel } = await import('../output/saved-model.js');
  const source = await openData({ data: normals }, { label: 'good', signal });
  const bad =
    anomalies === undefined ? undefined : await openData({ data: anomalies }, { label: 'anomalous', signal });
  const { costOfAMiss: missCost = 1, costOfAFalseAlarm: falseAlarmCost = 1, prevalence } = options;
  const costs = { missCost, falseAlarmCost, ...(prevalence !== undefined && { prevalence }) };
  const model = await loadModel(path, options);
  try {
    const onEvent = progressRenderer({ json });
    await recalibrate(model.detector, source, {
      statistics,
      ...(falseAlarmRate !== undefined && { falseAlarmRate }),
      ...(confidence !== undefined && { confidence }),
      signal,
      onEvent,
    });
    const chosen =
      bad &&
      (await chooseThreshold(model.detector, bad, {
        ...(options.thresholdFrom === 'cost' && { costs }),
        signal,
        onEvent,
      }));
    const embedTeacher = model.detector.description.teacher?.embedded ?? false;
    await saveDetectorFile(model.detector, out, { embedTeacher });
    printSavedModel(model.detector, out, json, chosen);
  } finally {
    model.dispose();
  }
}
