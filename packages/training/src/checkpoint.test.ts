import type { DskdError } from '@dskd/base';
import { readSafetensors, writeSafetensors, type StateDict } from '@dskd/weights';
import { readCheckpoint, writeCheckpoint } from './checkpoint.js';
import { checkpointOf } from './checkpoint.test.util.js';

const checkpoint = checkpointOf(['local', 'global']);
const bytes = writeCheckpoint(checkpoint);

function refusalOf(work: () => unknown): DskdError {
  try {
    work();
  } catch (error) {
    return error as DskdError;
  }
  throw new Error('Nothing was thrown.');
}

/** The file with a changed description or changed tensors. */
function changed(
  change: (description: Record<string, unknown>) => unknown,
  changeTensors: (tensors: StateDict) => void = () => undefined,
): Uint8Array {
  const { tensors, metadata } = readSafetensors(bytes);
  const description = JSON.parse(metadata['dskd-checkpoint']!) as Record<string, unknown>;
  changeTensors(tensors);
  return writeSafetensors(tensors, { 'dskd-checkpoint': JSON.stringify(change(description)) });
}

test('reads what was written', () => {
  expect(readCheckpoint(bytes)).toEqual(checkpoint);
});

test('reads format 2, which has British spelling', () => {
  const run = {
    inputSize: [32, 32],
    resize: { fit: 'squeeze', fill: null },
    initialise: null,
    branches: [{ name: 'local', optimiser: { learningRate: 1 } }],
    augmentation: { colourJitter: { hue: 0.1 } },
  };
  const old = changed(({ optimizerSteps, images, ...rest }) => ({
    ...rest,
    format: 2,
    optimiserSteps: optimizerSteps,
    pictures: images,
    run,
  }));
  const read = readCheckpoint(old);
  expect(read.state).toEqual(checkpoint.state);
  expect(read.run).toEqual({
    inputSize: [32, 32],
    resize: { fit: 'stretch', fill: null },
    initialize: { global: 'random' },
    branches: [{ name: 'local', optimizer: { learningRate: 1 } }],
    augmentation: { colorJitter: { hue: 0.1 } },
  });
});

test('reads format 1, which does not describe its run', () => {
  const old = changed(({ optimizerSteps, images, ...rest }) => ({
    ...rest,
    format: 1,
    run: undefined,
    optimiserSteps: optimizerSteps,
    pictures: images,
  }));
  expect(readCheckpoint(old)).toEqual({ ...checkpoint, run: null });
});

test.each([
  [4, 'artifact-version'],
  [0, 'artifact-outdated'],
  ['3', 'artifact-invalid'],
])('refuses format %p', (format, code) => {
  const { code: got, message } = refusalOf(() => readCheckpoint(changed((rest) => ({ ...rest, format }))));
  expect(got).toBe(code);
  expect(message).toContain('checkpoint');
});

test.each([
  ['step', { step: -1 }],
  ['students', { students: [] }],
  ['students', { students: ['local', 'local/parameters'] }],
  ['lossSums.local', { lossSums: { local: null, global: 0 } }],
  ['history.0.epoch', { history: [{ epoch: 0.5, losses: {} }] }],
])('names a wrong field: %s', (path, fields) => {
  const { code, message } = refusalOf(() => readCheckpoint(changed((rest) => ({ ...rest, ...fields }))));
  expect(code).toBe('artifact-invalid');
  expect(message).toContain(`  ${path}: `);
});

test('refuses a student without the steps of its optimizer, also if it has the name of a method', () => {
  const without = changed((rest) => ({ ...rest, optimizerSteps: { local: 1 } }));
  expect(refusalOf(() => readCheckpoint(without)).message).toContain("'global'");
  const odd = changed((rest) => ({ ...rest, students: ['local', 'global', 'toString'] }));
  expect(refusalOf(() => readCheckpoint(odd)).message).toContain("'toString'");
});

test('refuses additional tensors, tensors of another type, and values that are not finite', () => {
  const extra = changed(
    (same) => same,
    (tensors) => tensors.set('local/other/x', { dtype: 'F32', shape: [1], data: Float32Array.of(1) }),
  );
  expect(refusalOf(() => readCheckpoint(extra))).toMatchObject({
    code: 'weights-mismatch',
    details: { tensors: ['local/other/x'] },
  });
  const name = 'global/buffers/a.weight';
  const half = changed(
    (same) => same,
    (tensors) => tensors.set(name, { dtype: 'F16', shape: [1], data: Uint16Array.of(1) }),
  );
  expect(refusalOf(() => readCheckpoint(half))).toMatchObject({
    code: 'weights-mismatch',
    details: { tensors: [name] },
  });
  const broken = changed(
    (same) => same,
    (tensors) => tensors.set(name, { dtype: 'F32', shape: [1], data: Float32Array.of(NaN) }),
  );
  expect(refusalOf(() => readCheckpoint(broken))).toMatchObject({
    code: 'weights-not-finite',
    details: { tensors: [name] },
  });
});

test('refuses a file truncated at any position', () => {
  for (let length = 0; length < bytes.length; length += 7) {
    expect(refusalOf(() => readCheckpoint(bytes.subarray(0, length))).code).toBe('weights-invalid');
  }
});

test('a detector or other weights are not a checkpoint', () => {
  const { code, message } = refusalOf(() => readCheckpoint(writeSafetensors(new Map(), { dskd: '{}' })));
  expect(code).toBe('artifact-invalid');
  expect(message).toContain('not a dskd checkpoint');
});

test('refuses to write a diverged state', () => {
  const { state, run } = checkpointOf(['local']);
  state.students[0]!.parameters.get('a.weight')!.data[1] = NaN;
  expect(refusalOf(() => writeCheckpoint({ state, run })).code).toBe('weights-not-finite');
});

describe('checkpoint of another run', () => {
  const { run } = checkpoint;

  test('the same run resumes', () => {
    expect(readCheckpoint(bytes, { run: structuredClone(run!) })).toEqual(checkpoint);
    const unknown = writeCheckpoint({ ...checkpoint, run: null });
    expect(readCheckpoint(unknown, { run: { inputSize: [1, 1] } }).run).toBeNull();
  });

  test('another input size has a separate error code', () => {
    expect(refusalOf(() => readCheckpoint(bytes, { run: { ...run, inputSize: [64, 32] } }))).toMatchObject({
      code: 'input-size-mismatch',
      message: 'The checkpoint is of a run with images of [32,32] pixels, now [64,32].',
    });
  });

  test('names every other difference', () => {
    const now = { ...run, teacher: 'b'.repeat(64), fit: 'letterbox' };
    const refusal = {
      code: 'invalid-argument',
      message: expect.stringContaining('these differ: teacher, fit.') as string,
    };
    expect(refusalOf(() => readCheckpoint(bytes, { run: now }))).toMatchObject(refusal);
    const inside = writeCheckpoint({ ...checkpoint, run: { kind: 'test', settings: run! } });
    expect(refusalOf(() => readCheckpoint(inside, { run: now, runKey: 'settings' }))).toMatchObject(refusal);
    expect(readCheckpoint(inside, { run: run!, runKey: 'settings' }).state).toEqual(checkpoint.state);
  });
});
