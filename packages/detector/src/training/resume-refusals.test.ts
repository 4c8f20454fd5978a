import '@tensorflow/tfjs';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { TRAINING_DEFAULTS } from '@dskd/methods';
import type { Teacher } from '@dskd/models';
import { tinyOptions, tinySource, tinyTeacher, type TinyChanges } from '../tiny-world.test.util.js';
import { trainDetector } from './train-detector.js';

let teacher: Teacher;
beforeAll(async () => {
  await useBackend('wasm');
  registerWasmGradients();
  teacher = tinyTeacher();
});
afterAll(() => teacher.dispose());

/** The first checkpoint of the tiny run with `changes`, which ends there. */
async function checkpointWith(changes: TinyChanges): Promise<Uint8Array> {
  const options = tinyOptions(teacher, changes);
  const enough = new AbortController();
  let saved: Uint8Array | undefined;
  const save = (bytes: Uint8Array): Promise<void> => {
    saved = bytes;
    enough.abort();
    return Promise.resolve();
  };
  const run = trainDetector({ ...options, checkpoint: { everyEpochs: 1, save }, signal: enough.signal });
  await expect(run).rejects.toMatchObject({ code: 'aborted' });
  return saved!;
}

const resuming = (resumeFrom: Uint8Array): Promise<unknown> =>
  expectNoNewTensors(() => trainDetector(tinyOptions(teacher, { resumeFrom })));

test('a checkpoint of another input size is refused by name before anything is trained', async () => {
  await expect(resuming(await checkpointWith({ size: [64, 32] }))).rejects.toMatchObject({
    code: 'input-size-mismatch',
    details: { got: [32, 32], wanted: [64, 32] },
  });
});

test.each<[string, TinyChanges]>([
  ['resize', { fit: 'letterbox' }],
  ['augmentation', { augmentation: { rotation: { degrees: 3 } } }],
  ['dataFingerprint', { source: { ...tinySource(), fingerprint: () => Promise.resolve('f'.repeat(64)) } }],
  ['holdOutFraction', { holdOutFraction: 0.2 }],
  [
    'branches',
    {
      branches: {
        ...TRAINING_DEFAULTS.dskd.branches,
        local: { ...TRAINING_DEFAULTS.dskd.branches.local, optimizer: { learningRate: 1 } },
      },
    },
  ],
])('one of another %s is refused, naming it', async (name, changes) => {
  await expect(resuming(await checkpointWith(changes))).rejects.toMatchObject({
    code: 'invalid-argument',
    message: `The checkpoint is of another run; these differ: ${name}.`,
  });
});

test('a file that is no checkpoint is refused before anything is trained', async () => {
  await expect(resuming(Uint8Array.of(1, 2, 3))).rejects.toMatchObject({ code: 'weights-invalid' });
});

test.each([[['a', 'a.b']], [['a', 'a/b']], [['']], [[]]])(
  'branches called %p are refused before anything is trained: no file could hold them',
  async (names) => {
    const branches = Object.fromEntries(names.map((name) => [name, TRAINING_DEFAULTS.dskd.branches.local]));
    await expect(trainDetector(tinyOptions(teacher, { branches }))).rejects.toMatchObject({
      code: 'invalid-config',
    });
  },
);
