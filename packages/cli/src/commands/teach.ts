import { DskdError } from '@dskd/base';
import { defineCommand } from '../define-command.js';
import { boolean, option, text, type OptionValues } from '../options/option.js';
import {
  backendOption,
  MODEL_ARGUMENT,
  outputOptions,
  pluginOption,
  teacherWeightsOption,
} from '../options/shared.js';

export const teachOptions = {
  good: option(text().optional(), 'images of good parts that raised false alarms: a folder or a manifest', {
    main: true,
    group: 'Data',
    value: 'dir',
    path: true,
    example: 'false-alarms',
  }),
  forget: option(boolean().default(false), 'undo the last lesson instead', { main: true, group: 'Data' }),
  out: option(text().optional(), 'file of the model with the lesson, or without it', {
    main: true,
    group: 'Result',
    value: 'file',
    path: true,
    defaultText: 'replaces the model',
    example: 'taught.safetensors',
  }),
  weights: teacherWeightsOption,
  backend: backendOption,
  plugin: pluginOption,
  ...outputOptions('events as JSON lines on standard output'),
};

export type TeachOptions = OptionValues<typeof teachOptions>;

export const teach = defineCommand({
  name: 'teach',
  summary: 'teach a model that images which raised false alarms are good, without a new fit',
  arguments: [MODEL_ARGUMENT],
  options: teachOptions,
  run: async (options, [model], signal) => runLesson(model!, options, signal),
});

/** @throws {DskdError} `invalid-argument` unless there is either something to learn or something to forget. */
function checkLesson({ good, forget }: TeachOptions): void {
  if ((good === undefined) === forget) return;
  throw new DskdError(
    'invalid-argument',
    forget
      ? 'Got --good and --forget together; wanted one of them.'
      : 'Got nothing to learn and nothing to forget; wanted --good DIR or --forget.',
    { hint: '--good DIR learns the images of a folder; --forget undoes the lesson that was learned last.' },
  );
}

async function runLesson(path: string, options: TeachOptions, signal: AbortSignal): Promise<void> {
  const { good, json, out = path } = options;
  checkLesson(options);
  const { assertWritable } = await import('@dskd/data/node');
  const { saveDetectorFile } = await import('@dskd/detector/node');
  const { loadModel } = await import('../models.js');
  const { openData } = await import('../open-data.js');
  const { printForgotten, printLesson } = await import('../output/lesson.js');
  const { progressRenderer } = await import('../output/progress.js');
  const { printSavedModel } = await import('../output/saved-model.js');
  await assertWritable(out);
  const source = good === undefined ? undefined : await openData({ data: good }, { label: 'good', signal });
  const { detector, dispose } = await loadModel(path, options);
  try {
    const outcome =
      source && (await detector.extend(source, { signal, onEvent: progressRenderer({ json }) }));
    const forgotten = source ? undefined : detector.forget();
    await saveDetectorFile(detector, out, {
      embedTeacher: detector.description.teacher?.embedded ?? false,
    });
    if (outcome) printLesson(outcome, json);
    if (forgotten) printForgotten(forgotten, json);
    printSavedModel(detector, out, json);
  } finally {
    dispose();
  }
}
