// node saving-process.test.util.js FOLDER VERSION: a process that saves a detector and a checkpoint over and
// over, numbered from VERSION on, and says after each which it was. Somebody kills it.
import '@tensorflow/tfjs';
import { writeSync } from 'node:fs';
import { writeFileAtomically } from '@dskd/data/node';
import { writeCheckpoint } from './checkpoint.js';
import { checkpointOf } from './checkpoint.test.util.js';
import { fixtureBytes, fixtureTeacher } from './format-1.test.util.js';
import { loadDetector } from './load-detector.js';
import { saveDetectorFile } from './node.js';

const [folder, first] = process.argv.slice(2);

// Eight megabytes each: long enough to be hit in the middle.
const LENGTH = 2 ** 21;
const ballast = { dtype: 'F32' as const, shape: [LENGTH], data: new Float32Array(LENGTH).fill(1) };
const teacher = { ...fixtureTeacher(), weights: new Map([['ballast', ballast]]) };
const detector = await loadDetector(fixtureBytes(), { teacher });
const { run, state } = checkpointOf(['local'], { length: LENGTH / 8 });

for (let version = Number(first); ; version++) {
  detector.threshold = version;
  await saveDetectorFile(detector, `${folder}/model.safetensors`);
  writeSync(1, `model ${version}\n`);
  await writeFileAtomically(
    `${folder}/checkpoint.safetensors`,
    writeCheckpoint({ run, state: { ...state, step: version } }),
  );
  writeSync(1, `checkpoint ${version}\n`);
}
