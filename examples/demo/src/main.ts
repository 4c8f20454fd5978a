// npm run demo: everything from drawn images to a page of results, nothing to download. See --help.
import path from 'node:path';
import { isDskdError } from '@dskd/base';
import { aurocTable } from './auroc-table.js';
import { demo, type DemoResult } from './demo.js';
import { fillFolder } from './output-folder.js';
import { Progress } from './progress.js';
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

function summary({ out, category, validation }: Settings, { imageAuroc, evaluation }: DemoResult): string {
  const { atThreshold, images } = evaluation;
  const file = (name: string): string => path.join(out, name);
  return `${aurocTable(imageAuroc)}

At its threshold, set on ${validation} good images, ${atThreshold.falseAlarms} of ${images.good} good test images raise a false alarm,
and ${atThreshold.misses} of ${images.anomalous} faulty ones are missed.

  ${file('index.html')}   look at this: every test image with its maps and verdict
  ${file('scores.csv')}, ${file('scores.json')}   the scores
  ${file('model.safetensors')}   the detector, teacher inside
  ${file('images')}   what it was trained and tested on

What next:
  npx dskd predict ${file('model.safetensors')} ${file(`images/${category}/test`)} --out heat-maps
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
