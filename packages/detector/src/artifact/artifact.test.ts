import type { DskdError } from '@dskd/base';
import { writeSafetensors, type StateDict, type StateDictEntry } from '@dskd/weights';
import { readFileSync } from 'node:fs';
import { DESCRIPTION, smallArtifact } from './artifact.test.util.js';
import { readArtifact, readDescription, writeArtifact } from './artifact.js';
import { VERSION } from '../version.js';

const fileWith = (description: unknown, tensors: StateDict = smallArtifact().tensors): Uint8Array =>
  writeSafetensors(tensors, { dskd: JSON.stringify(description) });

/** What reading `bytes` throws. */
function refusalOf(bytes: Uint8Array): DskdError {
  try {
    readArtifact(bytes);
  } catch (error) {
    return error as DskdError;
  }
  throw new Error('The file was read.');
}

const floats = (...values: number[]): StateDictEntry => ({
  dtype: 'F32',
  shape: [values.length],
  data: Float32Array.from(values),
});

test('what is written is read', () => {
  const artifact = smallArtifact();
  expect(readArtifact(writeArtifact(artifact))).toEqual(artifact);
});

test('the description is read without the tensors, and an artifact without one is refused', () => {
  const artifact = smallArtifact();
  const bytes = writeArtifact(artifact);
  const { description } = readDescription(bytes);
  expect(description).toEqual(artifact.description);
  // The tensors, which are at the end, are cut off: that is for readArtifact to say.
  expect(readDescription(bytes.subarray(0, bytes.length - 1))).toEqual(readDescription(bytes));
  expect(() => readArtifact(bytes.subarray(0, bytes.length - 1))).toThrow(/bytes/);
  const others = writeSafetensors(artifact.tensors, { format: 'pt' });
  expect(() => readDescription(others)).toThrow('not a dskd detector');
  expect(() => readDescription(Uint8Array.of(1, 2, 3))).toThrow('safetensors');
});

test('an ignore mask is written and read', () => {
  const { description, tensors } = smallArtifact({ ignored: true, inputSize: [2, 3] });
  tensors.set('ignored', { dtype: 'U8', shape: [2, 3], data: Uint8Array.of(0, 1, 0, 0, 0, 1) });
  expect(readArtifact(writeArtifact({ description, tensors }))).toEqual({ description, tensors });
});

describe('thumbnails', () => {
  const trainingImages = ['a', 'b'].map((id) => ({ id, width: 40, height: 20 }));
  const trainings = [{ ...DESCRIPTION.trainings[0]!, images: 2 }];
  const described = { trainings, trainingImages, thumbnails: { width: 4, height: 2 } };
  const bytes = (...shape: number[]): StateDictEntry => ({
    dtype: 'U8',
    shape,
    data: Uint8Array.from({ length: shape.reduce((product, side) => product * side, 1) }, (_, i) => i % 256),
  });
  const withThumbnails = (entry: StateDictEntry | undefined, changes = {}): [unknown, StateDict] => {
    const { description, tensors } = smallArtifact({ ...described, ...changes });
    if (entry) tensors.set('thumbnails', entry);
    return [description, tensors];
  };

  test('are written and read; of altered copies the names repeat, the images do not', () => {
    for (const copies of [1, 3]) {
      const names = Array.from({ length: copies }, () => trainingImages).flat();
      const { description, tensors } = smallArtifact({ ...described, trainingImages: names });
      tensors.set('thumbnails', bytes(2, 2, 4, 3));
      expect(readArtifact(writeArtifact({ description, tensors }))).toEqual({ description, tensors });
    }
  });

  test.each([
    ['other sides', bytes(2, 4, 2, 3)],
    ['no channels', bytes(2, 2, 4)],
    ['gray', bytes(2, 2, 4, 1)],
    ['one more image', bytes(3, 2, 4, 3)],
    ['one image less', bytes(1, 2, 4, 3)],
    ['none', bytes(0, 2, 4, 3)],
    ['no bytes', { dtype: 'F32' as const, shape: [2, 2, 4, 3], data: new Float32Array(48) }],
  ])('%s', (_, entry) => {
    const refusal = refusalOf(fileWith(...withThumbnails(entry)));
    expect(refusal).toMatchObject({ code: 'weights-mismatch', details: { tensors: ['thumbnails'] } });
    expect(refusal.message).toBe(
      `Got ${entry.dtype} [${entry.shape.join(', ')}], wanted U8 [2, 2, 4, 3] in: thumbnails.`,
    );
  });

  test.each([[undefined], [[]], [trainingImages.slice(1)], [[...trainingImages, trainingImages[0]!]]])(
    'names of images that they do not go with: %j',
    (names) => {
      const refusal = refusalOf(fileWith(...withThumbnails(bytes(2, 2, 4, 3), { trainingImages: names })));
      expect(refusal.code).toBe('weights-mismatch');
      expect(refusal.message).toContain(`Got the names of ${names?.length ?? 0} images of the fit`);
    },
  );

  test('a training of no images, or of fewer than none', () => {
    for (const images of [0, -2]) {
      const changes = { trainings: [{ ...trainings[0]!, images }] };
      for (const entry of [bytes(0, 2, 4, 3), bytes(2, 2, 4, 3)]) {
        expect(refusalOf(fileWith(...withThumbnails(entry, changes))).code).toBe('weights-mismatch');
      }
    }
  });

  test('a tensor that is not described; one that is and is not there', () => {
    const left = withThumbnails(bytes(2, 2, 4, 3), { thumbnails: undefined });
    expect(refusalOf(fileWith(...left))).toMatchObject({
      code: 'weights-mismatch',
      message: expect.stringContaining('does not speak of') as string,
      details: { tensors: ['thumbnails'] },
    });
    expect(refusalOf(fileWith(...withThumbnails(undefined)))).toMatchObject({
      code: 'weights-mismatch',
      message: expect.stringContaining('lacks tensors') as string,
      details: { tensors: ['thumbnails'] },
    });
  });

  test.each([
    ['thumbnails.width', { width: 257, height: 2 }],
    ['thumbnails.height', { width: 4, height: 0 }],
    ['thumbnails', [2, 4]],
  ])('a wrong size is named: %s', (path, thumbnails) => {
    const refusal = refusalOf(fileWith(...withThumbnails(bytes(2, 2, 4, 3), { thumbnails })));
    expect(refusal.code).toBe('artifact-invalid');
    expect(refusal.message).toContain(`  ${path}: `);
  });
});

describe('the format', () => {
  test('a newer one is refused by number', () => {
    expect(refusalOf(fileWith({ ...DESCRIPTION, format: 4 }))).toMatchObject({
      code: 'artifact-version',
      message: 'The detector has format 4; this version of dskd reads formats 1 to 3.',
      hint: expect.stringContaining('update') as string,
    });
  });

  test.each([0, -1, 0.5])('%d, which no version wrote, is refused by number', (format) => {
    expect(refusalOf(fileWith({ ...DESCRIPTION, format }))).toMatchObject({
      code: 'artifact-outdated',
      message: expect.stringContaining(`format ${format};`) as string,
    });
  });

  test.each([1.5, '2', null, [2]])('%p is no format', (format) => {
    expect(refusalOf(fileWith({ ...DESCRIPTION, format })).code).toBe('artifact-invalid');
  });
});

describe('what is no artifact', () => {
  test('other safetensors', () => {
    const { code, message } = refusalOf(writeSafetensors(new Map()));
    expect(code).toBe('artifact-invalid');
    expect(message).toContain('not a dskd detector');
  });

  test.each([
    ['not JSON', '{', 'not JSON'],
    ['a list', '[]', 'not a JSON object'],
    ['nothing', 'null', 'not a JSON object'],
    ['a number', '5', 'not a JSON object'],
    [
      'nested without end',
      `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`,
      'nested more than 32 levels deep',
    ],
  ])('a description that is %s', (_, text, message) => {
    const refusal = refusalOf(writeSafetensors(new Map(), { dskd: text }));
    expect(refusal.code).toBe('artifact-invalid');
    expect(refusal.message).toContain(message);
  });

  test('a truncated file, wherever it ends', () => {
    const bytes = writeArtifact(smallArtifact());
    for (let length = 0; length < bytes.length; length++) {
      expect(refusalOf(bytes.subarray(0, length)).code).toBe('weights-invalid');
    }
  });
});

test.each([
  ['fusion.sigma', { fusion: { ...DESCRIPTION.fusion, sigma: -1 } }],
  ['resize.fit', { resize: { ...DESCRIPTION.resize, fit: 'squeeze' } }],
  ['resize.fill.1', { resize: { ...DESCRIPTION.resize, fill: [0, 256, 0] } }],
  ['storage', { storage: 'float8' }],
  ['ignored', { ignored: 1 }],
  ['teacher.sha256', { teacher: { ...DESCRIPTION.teacher, sha256: 'A'.repeat(64) } }],
  ['inputSize.0', { inputSize: [0, 32] }],
  ['inputSize.1', { inputSize: [32, 1e9] }],
  ['trainings', { trainings: [] }],
  ['trainings.0.options', { trainings: [{ ...DESCRIPTION.trainings[0]!, options: undefined }] }],
  ['method', { method: 'No method' }],
  ['config', { config: 7 }],
  ['branches', { branches: [] }],
  ['branches', { branches: [DESCRIPTION.branches[0]!, DESCRIPTION.branches[0]!] }],
  ['branches.0.map', { branches: [{ ...DESCRIPTION.branches[0]!, map: 1 }] }],
  ['trainings.0.fit', { trainings: [{ ...DESCRIPTION.trainings[0]!, fit: undefined }] }],
  ['calibration.scores', { calibration: { images: 'given', scores: [] } }],
  ['threshold.falseAlarmRate', { threshold: { ...DESCRIPTION.threshold, falseAlarmRate: 1 } }],
])('a wrong field is named: %s', (path, changes) => {
  const { code, message, details } = refusalOf(fileWith({ ...DESCRIPTION, ...changes }));
  expect(code).toBe('artifact-invalid');
  expect(message).toContain(`  ${path}: `);
  expect((details.issues as { path: string }[]).map((issue) => issue.path)).toContain(path);
});

describe('tensors', () => {
  const refused = (tensors: [string, StateDictEntry][], changes = {}): DskdError =>
    refusalOf(fileWith({ ...DESCRIPTION, ...changes }, new Map(tensors)));

  test('missing ones', () => {
    const teacher = { ...DESCRIPTION.teacher!, embedded: true };
    expect(refused([['dskd.local.x', floats(1)]], { teacher })).toMatchObject({
      code: 'weights-mismatch',
      message: expect.stringContaining('lacks tensors') as string,
      details: { tensors: ['teacher.*'] },
    });
    expect(refused([['dskd.local.x', floats(1)]], { ignored: true })).toMatchObject({
      code: 'weights-mismatch',
      details: { tensors: ['ignored'] },
    });
  });

  test.each(['other.global.x', 'teacher.x', 'ignored', 'x', '__proto__'])('one left over: %s', (name) => {
    expect(
      refused([
        ['dskd.local.x', floats(1)],
        [name, floats(1)],
      ]),
    ).toMatchObject({ code: 'weights-mismatch', details: { tensors: [name] } });
  });

  test.each([NaN, Infinity, -Infinity])('%d among the weights', (value) => {
    expect(refused([['dskd.local.x', floats(1, value)]])).toMatchObject({
      code: 'weights-not-finite',
      message: expect.stringContaining('dskd.local.x') as string,
    });
  });

  test.each([0x7c00, 0xfc00, 0x7e00])('half precision that is not finite: %d', (bits) => {
    const data = Uint16Array.of(0x3c00, bits);
    expect(refused([['dskd.local.x', { dtype: 'F16', shape: [2], data }]], { storage: 'float16' }).code).toBe(
      'weights-not-finite',
    );
  });

  test('another element type than the description says', () => {
    const half: StateDictEntry = { dtype: 'F16', shape: [1], data: Uint16Array.of(0x3c00) };
    expect(refused([['dskd.local.x', half]])).toMatchObject({
      code: 'weights-mismatch',
      details: { tensors: ['dskd.local.x'] },
    });
  });

  test('an ignore mask of another size, or of other values', () => {
    const mask = (shape: number[], data: Uint8Array): [string, StateDictEntry][] => [
      ['dskd.local.x', floats(1)],
      ['ignored', { dtype: 'U8', shape, data }],
    ];
    const changes = { ignored: true, inputSize: [2, 2] };
    expect(refused(mask([4, 1], new Uint8Array(4)), changes)).toMatchObject({
      code: 'input-size-mismatch',
      details: { got: [4, 1], wanted: [2, 2] },
    });
    expect(refused(mask([2, 2], Uint8Array.of(0, 1, 2, 0)), changes).code).toBe('weights-mismatch');
  });
});

test('what could not be read is not written', () => {
  const { tensors } = smallArtifact();
  expect(() => writeArtifact({ description: { ...DESCRIPTION, inputSize: [0, 1] }, tensors })).toThrow(
    'inputSize.0',
  );
  const diverged: StateDict = new Map([['dskd.local.x', floats(NaN)]]);
  expect(() => writeArtifact({ description: DESCRIPTION, tensors: diverged })).toThrow('NaN');
});

test('the version is that of package.json', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(VERSION).toBe(manifest.version);
});
