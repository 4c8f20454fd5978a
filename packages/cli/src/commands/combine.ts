import { defineCommand } from '../define-command.js';
import { fraction, option, text, type OptionValues } from '../options/option.js';
import {
  backendOption,
  configOption,
  dataOptions,
  outputOptions,
  pluginOption,
  teacherWeightsOption,
} from '../options/shared.js';

export const combineOptions = {
  out: option(text(), 'file of the model (.safetensors)', {
    main: true,
    group: 'Result',
    value: 'file',
    path: true,
    example: 'model.safetensors',
  }),
  ...dataOptions('the images both were trained on; good ones of them calibrate the two together'),
  falseAlarmRate: option(fraction().optional(), 'false-alarm rate that the threshold is chosen for', {
    group: 'Calibration',
    value: 'rate',
    defaultText: "the first model's own",
    example: 0.05,
  }),
  weights: teacherWeightsOption,
  backend: backendOption,
  plugin: pluginOption,
  config: configOption,
  ...outputOptions('events as JSON lines on standard output'),
};

type CombineOptions = OptionValues<typeof combineOptions>;

export const combine = defineCommand({
  name: 'combine',
  summary: 'join two models whose students were trained apart',
  arguments: [
    ['<local>', 'a model of dskd train --student local'],
    ['<global>', 'one of dskd train --student global, on the same images with the same options'],
  ],
  options: combineOptions,
  run: runCombination,
});

async function runCombination(
  options: CombineOptions,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { falseAlarmRate, json, out } = options;
  const { combineDetectors } = await import('@dskd/detector');
  const { saveDetectorFile } = await import('@dskd/detector/node');
  const { loadModels } = await import('../models.js');
  const { openData } = await import('../open-data.js');
  const { progressRenderer } = await import('../output/progress.js');
  const { printSavedModel } = await import('../output/saved-model.js');
  const source = await openData(options, { signal });
  const { detectors, dispose } = await loadModels(paths, options);
  try {
    const combined = await combineDetectors(detectors, {
      source,
      signal,
      onEvent: progressRenderer({ json }),
      ...(falseAlarmRate !== undefined && { falseAlarmRate }),
    });
    try {
      const embedTeacher = detectors.every(({ description }) => description.teacher?.embedded ?? false);
      await saveDetectorFile(combined, out, { embedTeacher });
      printSavedModel(combined, out, json);
    } finally {
      combined.dispose();
    }
  } finally {
    dispose();
  }
}
