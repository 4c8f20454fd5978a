// node saving-process.test.util.js FOLDER VERSION: a process that saves a detector and a checkpoint over and
// over, numbered from VERSION on, and says after each which it was. Somebody kills it. Nothing is computed, so
// that it starts fast: the detector is the fixture's, without a backend.
import { readFileSync, writeSync } from 'node:fs';
import { writeFileAtomically } from '@dskd/data/node';
import type { AnomalyModel } from '@dskd/methods';
import type { Teacher } from '@dskd/models';
import { writeCheckpoint } from '@dskd/training';
import { tensorFiles } from '@dskd/weights';
import { readArtifact } from './artifact.js';
import { checkpointOf } from '../checkpoint.test.util.js';
import { Detector } from '../inference/detector.js';
import { saveDetectorFile } from '../node.js';

const [folder, first] = process.argv.slice(2);

// Large enough to be hit in the middle.
const BYTES = 2 ** 22;
const ballast = { dtype: 'U8' as const, shape: [BYTES], data: new Uint8Array(BYTES).fill(1) };
const teacher = { weights: new Map([['ballast', ballast]]) } as unknown as Teacher;
const { description, tensors } = readArtifact(
  readFileSync(new URL('../../test/fixtures/format-1.safetensors', import.meta.url)),
);
const model = {
  method: 'dskd',
  branches: description.branches.map(({ name, map }) => ({ name, map })),
  state: () => ({ config: description.config, tensors: tensorFiles.tensorsUnder(tensors, 'dskd') }),
} as unknown as AnomalyModel;
const detector = new Detector({ model, description, teacher, ignored: null });
const { run, state } = checkpointOf(['local'], { length: BYTES / 32 });

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
