import { existsSync } from 'node:fs';
import { DskdError } from '@dskd/base';
import type { Label, Split } from '@dskd/synthetic';
import { defineCommand } from '../define-command.js';
import {
  boolean,
  choice,
  integer,
  option,
  positiveInteger,
  text,
  wholeNumber,
  type OptionValues,
} from '../options/option.js';
import { outputOptions } from '../options/shared.js';
import { printJson, printLine } from '../output/print.js';

export const synthOptions = {
  category: option(choice('tray', 'box', 'bag', 'harness', 'flask').default('tray'), 'kind of scene', {
    main: true,
    value: 'name',
  }),
  size: option(integer({ minimum: 128, maximum: 1024 }).default(256), 'width and height, 128 to 1024', {
    main: true,
    value: 'pixels',
  }),
  train: option(positiveInteger().default(100), 'good images to train on', { main: true, value: 'n' }),
  validation: option(wholeNumber().default(20), 'good images to calibrate on', { main: true, value: 'n' }),
  test: option(
    wholeNumber().default(60),
    'test images: one third each good, logical and structural anomalies',
    {
      main: true,
      value: 'n',
    },
  ),
  seed: option(wholeNumber().default(7), 'seed: the same seed draws the same images on every machine', {
    main: true,
    value: 'n',
  }),
  level: option(choice('standard', 'hard').default('standard'), 'hard: smaller and fainter defects', {
    main: true,
    value: 'name',
  }),
  preview: option(text().optional(), 'also write an overview of all kinds of anomalies (.png)', {
    main: true,
    value: 'file',
  }),
  force: option(boolean().default(false), 'replace the dataset of an earlier dskd synth', {
    main: true,
    flagOnly: true,
  }),
  ...outputOptions('what was written as one line of JSON'),
};

export const synth = defineCommand({
  name: 'synth',
  summary: 'draw a dataset with structural and logical anomalies, without a download',
  arguments: [['<dir>', 'folder for the dataset, which is written to DIR/CATEGORY']],
  options: synthOptions,
  run: async (options, [folder], signal) => runSynth(folder!, options, signal),
});

/** Maximum size of an image in the preview, in pixels, because the preview shows dozens of images. */
const LARGEST_PREVIEW = 256;

async function runSynth(
  folder: string,
  options: OptionValues<typeof synthOptions>,
  signal: AbortSignal,
): Promise<void> {
  const { category, size, seed, level, preview, force, json } = options;
  if (preview !== undefined && existsSync(preview) && !force) {
    throw new DskdError('invalid-argument', `There is a file ${preview} already.`, {
      hint: 'Name another with --preview, or replace it with --force.',
    });
  }
  const { writeFileAtomically } = await import('@dskd/data/node');
  const { GENERATOR_VERSION } = await import('@dskd/synthetic');
  const { previewSheet, writeDataset } = await import('@dskd/synthetic/node');
  const { countRenderer } = await import('../output/progress.js');
  const count = json ? undefined : countRenderer('drawn');
  const written = await writeDataset(folder, {
    ...options,
    overwrite: force,
    signal,
    onImage: (_image, _index, total) => count?.(total),
  });
  if (preview !== undefined) {
    const sheet = { category, size: Math.min(size, LARGEST_PREVIEW), seed, level };
    await writeFileAtomically(preview, await previewSheet(sheet));
  }
  const { folder: target, images } = written;
  const inSplit = (name: Split): number => images.filter(({ split }) => split === name).length;
  const inTest = (name: Label): number =>
    images.filter(({ split, label }) => split === 'test' && label === name).length;
  const counts = {
    train: inSplit('train'),
    validation: inSplit('validation'),
    test: {
      good: inTest('good'),
      logical_anomalies: inTest('logical_anomalies'),
      structural_anomalies: inTest('structural_anomalies'),
    },
  };
  if (json) {
    printJson({
      type: 'dataset-written',
      folder: target,
      category,
      size,
      seed,
      level,
      generatorVersion: GENERATOR_VERSION,
      images: counts,
      preview: preview ?? null,
    });
    return;
  }
  const { good, logical_anomalies: logical, structural_anomalies: structural } = counts.test;
  printLine(
    `wrote ${target}: ${counts.train} images to train on, ${counts.validation} to calibrate, ` +
      `${inSplit('test')} to test with (${good} good, ${logical} logical, ${structural} structural)`,
  );
  if (preview !== undefined) printLine(`wrote ${preview}: each kind of anomaly beside the good image`);
  printLine(`next: dskd train --data ${folder} --category ${category} …`);
}
