import { existsSync } from 'node:fs';
import { DskdError } from '@dskd/base';
import { writeFileAtomically } from '@dskd/data/node';
import { GENERATOR_VERSION, type Label, type Split } from '@dskd/synthetic';
import { previewSheet, writeDataset } from '@dskd/synthetic/node';
import type { SynthOptions } from '../options/synth.js';
import { printJson, printLine } from '../output.js';
import { countRenderer } from '../render/count.js';

/** Of each image of the preview, in pixels: the sheet shows dozens. */
const LARGEST_PREVIEW = 256;

export async function synth(folder: string, options: SynthOptions, signal: AbortSignal): Promise<void> {
  const { category, size, seed, level, preview, force, json } = options;
  if (preview !== undefined && existsSync(preview) && !force) {
    throw new DskdError('invalid-argument', `There is a file ${preview} already.`, {
      hint: 'Name another with --preview, or replace it with --force.',
    });
  }
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
