// npm run demo: everything from drawn images to a page of results, nothing to download. See --help.
import path from 'node:path';
import { isDskdError } from '@dskd/base';
import { aurocTable } from './auroc-table.js';
import { demo, type DemoResult } from './demo.js';
import { fillFolder } from './output-folder.js';
import { Progress } from './progress.js';
import { METHODS, type ShownMethod } from './train.js';
import type { MethodResult } from './shown.js';
import { readSettings, USAGE, type Settings } from './settings.js';

async function main(signal: AbortSignal): Promise<void> {
  const settings = readSettings(process.argv.slice(2));
  if (!settings) {
    console.log(USAGE);
    return;
  }
  const progress = new Progress(process.stderr);
  const result = await fillFolder(settings.out, (folder) => demo(folder, settings, progress, signal));
  console.log(`\n${summary(settings, result)}`);
}

function summaryOf(method: ShownMethod, { imageAuroc, evaluation, seconds, bytes }: MethodResult): string {
  const { atThreshold, images } = evaluation;
  return `${aurocTable(method, imageAuroc)}
  trained and calibrated in ${seconds.training.toFixed(0)} s, ${(bytes / 2 ** 20).toFixed(1)} MiB; at its threshold ${atThreshold.falseAlarms} of ${images.good} good images raise
  a false alarm, and ${atThreshold.misses} of ${images.anomalous} faulty ones are missed`;
}

function summary({ out, category, validation }: Settings, { methods }: DemoResult): string {
  const file = (name: string): string => path.join(out, name);
  return `${METHODS.map((method) => summaryOf(method, methods[method])).join('\n\n')}

Both thresholds are set on ${validation} good images that were not trained on.

  ${file('index.html')}   look at this: every test image with its maps and verdict
  ${file('scores.csv')}, ${file('scores.json')}   the scores
  ${file('instant.safetensors')}, ${file('dskd.safetensors')}   the detectors, teacher inside
  ${file('images')}   what it was trained and tested on

What next:
  npx dskd predict ${file('instant.safetensors')} ${file(`images/${category}/test`)} --out heat-maps
  npx dskd train --data MY_FOLDER --out my-model.safetensors   a folder of images of your good parts`;
}

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
process.once('SIGTERM', () => interrupted.abort());
try {
  await main(interrupted.signal);
} catch (error) {
  if (isDskdError(error, 'aborted')) {
    console.error('\nInterrupted: nothing was written.');
    process.exitCode = 130;
  } else if (isDskdError(error)) {
    console.error(`\n${error.message}${error.hint === undefined ? '' : ` ${error.hint}`}`);
    process.exitCode = error.code === 'invalid-argument' ? 2 : 1;
  } else throw error;
}
