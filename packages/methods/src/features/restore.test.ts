import '@tensorflow/tfjs';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import type { StateDict, StateDictEntry } from '@dskd/weights';
import type { JsonObject, SavedModel } from '../contract.js';
import { restoreFeatureModel } from './feature-model.js';
import { blockImage, poolingTeacher, SIDE } from './pooling-teacher.test.util.js';
import { fitted, plans, scoresOf, teach } from './tiny-models.test.util.js';

// What a file that nobody vouches for may say.

const TRAINING = Array.from({ length: 6 }, (_, index) => blockImage(index + 1));

let saved: SavedModel;

/** A model of all parts that learn, with two lessons. */
beforeAll(async () => {
  await useBackend('cpu');
  const model = await fitted(TRAINING, {
    local: plans.bank({ coreset: { count: 12 }, positionWeight: 0.5 }),
    global: plans.subspace({ gridLevel: 2, channels: 6, components: 3 }),
    pooled: plans.pooled(),
  });
  await teach(model, [blockImage(11), blockImage(12)]);
  await teach(model, [blockImage(13)]);
  saved = structuredClone(model.state());
  model.dispose();
});

interface Config {
  inputSize: unknown;
  parts: { name: string; kind: string; config: Record<string, unknown> }[];
}

async function refused(
  wanted: object,
  change: (config: Config, tensors: StateDict) => void,
  from: SavedModel = saved,
): Promise<void> {
  const { config, tensors } = structuredClone(from);
  change(config as unknown as Config, tensors);
  await expectNoNewTensors(() => {
    expect(() =>
      restoreFeatureModel(
        'tiny',
        { config, tensors },
        { inputSize: [SIDE, SIDE], teacher: poolingTeacher() },
      ),
    ).toThrow(expect.objectContaining(wanted) as Error);
    return Promise.resolve();
  });
}

const INVALID = { code: 'artifact-invalid' };
const MISMATCH = { code: 'weights-mismatch' };
const partOf = ({ parts }: Config, name: string): Config['parts'][number] =>
  parts.find((part) => part.name === name)!;

test('as it was saved it is restored', async () => {
  await expectNoNewTensors(async () => {
    const model = restoreFeatureModel('tiny', structuredClone(saved), {
      inputSize: [SIDE, SIDE],
      teacher: poolingTeacher(),
    });
    expect(model.state()).toEqual(saved);
    const scores = await scoresOf(model, [blockImage(21)]);
    expect(Object.values(scores).every((values) => values.every(Number.isFinite))).toBe(true);
    model.dispose();
  });
});

test('a subspace of a file that names no grid has the deepest, as files had before they named it', async () => {
  const model = await fitted(TRAINING, { global: plans.subspace({ gridLevel: 3, components: 3 }) });
  const wanted = await scoresOf(model, [blockImage(21)]);
  const { config, tensors } = structuredClone(model.state());
  const options = partOf(config as unknown as Config, 'global').config.options as Record<string, unknown>;
  expect(options.gridLevel).toBe(3);
  delete options.gridLevel;
  const restored = restoreFeatureModel(
    'tiny',
    { config, tensors },
    { inputSize: [SIDE, SIDE], teacher: poolingTeacher() },
  );
  expect(await scoresOf(restored, [blockImage(21)])).toEqual(wanted);
  for (const each of [model, restored]) each.dispose();
});

describe('a config that is none', () => {
  test.each([null, 7, 'x', [], {}, { inputSize: [SIDE, SIDE], parts: [] }])('%p', (config) => {
    expect(() =>
      restoreFeatureModel(
        'tiny',
        { config: config as JsonObject, tensors: saved.tensors },
        { inputSize: [SIDE, SIDE], teacher: poolingTeacher() },
      ),
    ).toThrow(expect.objectContaining(INVALID) as Error);
  });

  test.each<[string, (config: Config) => unknown]>([
    ['a size that is none', (config) => (config.inputSize = [SIDE])],
    ['an unknown kind', (config) => (partOf(config, 'local').kind = 'forest')],
    ['no name', (config) => (partOf(config, 'local').name = '')],
    ['a name twice', (config) => (partOf(config, 'global').name = 'local')],
    ['a name that begins with another', (config) => (partOf(config, 'global').name = 'local.x')],
    ['the config of another kind', (config) => (partOf(config, 'local').kind = 'pooled')],
    ['no options', (config) => delete partOf(config, 'local').config.options],
    ['an unknown option', (config) => (partOf(config, 'pooled').config.options = { pool: 'mean' })],
    ['a negative radius', (config) => (partOf(config, 'local').config.radius = -1)],
    ['an infinite scale', (config) => (partOf(config, 'local').config.positionScale = null)],
    ['no images', (config) => (partOf(config, 'local').config.images = 0)],
    ['half an image', (config) => (partOf(config, 'local').config.images = 1.5)],
    ['a negative lesson', (config) => (partOf(config, 'global').config.lessons = [-1, 1])],
    ['a lesson of no images', (config) => (partOf(config, 'pooled').config.lessons = [3, 0])],
  ])('%s', (_, change) => refused(INVALID, (config) => change(config)));

  test('levels that the teacher does not have', async () => {
    for (const name of ['local', 'global', 'pooled']) {
      await refused({ code: 'invalid-config' }, (config) => {
        partOf(config, name).config.options = { levels: [9] };
      });
    }
  });
});

describe('lessons and origins that do not fit', () => {
  test.each<[string, object, (config: Config, tensors: StateDict) => unknown]>([
    [
      'a bank of lessons alone',
      INVALID,
      (config) =>
        (partOf(config, 'local').config.lessons = [
          { images: 2, rows: 1000 },
          { images: 1, rows: 0 },
        ]),
    ],
    [
      'more components than there are',
      INVALID,
      (config) => (partOf(config, 'global').config.lessons = [99, 0]),
    ],
    [
      'more taught images than there are',
      MISMATCH,
      (config) => (partOf(config, 'pooled').config.lessons = [2, 2]),
    ],
    ['fewer lessons of one part', INVALID, (config) => (partOf(config, 'global').config.lessons = [1])],
    ['fewer images than origins have', INVALID, (config) => (partOf(config, 'local').config.images = 1)],
  ])('%s', (_, wanted, change) => refused(wanted, change));

  test.each([
    ['image', 0, 9],
    ['row', 1, 4],
    ['column', 2, 4],
    ['negative image', 0, -1],
    ['negative row', 1, -1],
  ])('an origin outside: %s', (_, at, value) =>
    refused(INVALID, (__, tensors) => {
      (tensors.get('local.origins')!.data as Int32Array)[at] = value;
    }),
  );
});

describe('tensors', () => {
  const names = [
    ...['local.rows', 'local.origins', 'global.axes.mean', 'global.axes.rows', 'global.mean'],
    ...['global.components', 'pooled.mean', 'pooled.axes', 'pooled.variances', 'pooled.taught'],
  ];

  test('these are all there are', () => expect([...saved.tensors.keys()].sort()).toEqual([...names].sort()));

  test.each(names)('%s is missing', (name) => {
    // Without components, lessons do not fit.
    const code = name === 'global.components' ? 'artifact-invalid' : 'weights-mismatch';
    return refused({ code }, (_, tensors) => tensors.delete(name));
  });

  test.each(names)('%s of another shape, number of values or element type', async (name) => {
    const entry = saved.tensors.get(name)!;
    const changes: Partial<StateDictEntry>[] = [
      { shape: [...entry.shape, 1] },
      { shape: [entry.shape[0]! + 1, ...entry.shape.slice(1)] },
      { shape: entry.shape.map(() => 0), data: entry.data.slice(0, 0) },
      { data: entry.data.slice(1) },
      entry.dtype === 'I32'
        ? { dtype: 'F32', data: new Float32Array(entry.data.length) }
        : { dtype: 'I32', data: new Int32Array(entry.data.length) },
    ];
    for (const changed of changes) {
      await refused(MISMATCH, (_, tensors) => tensors.set(name, { ...entry, ...changed }));
    }
  });

  test.each(['other', 'other.x', 'local.x', 'localx.rows', 'pooled.components', '__proto__'])(
    '%s belongs to nothing',
    (name) =>
      refused(
        { ...MISMATCH, details: { tensors: [name] } },
        (_, tensors) => void tensors.set(name, saved.tensors.get('pooled.mean')!),
      ),
  );

  test.each([NaN, Infinity, -Infinity])('%p is no weight', async (value) => {
    for (const name of names.filter((each) => each !== 'local.origins')) {
      await refused({ code: 'weights-not-finite' }, (_, tensors) => {
        (tensors.get(name)!.data as Float32Array)[0] = value;
      });
    }
  });
});

describe('Gaussians of positions', () => {
  let positions: SavedModel;
  beforeAll(async () => {
    const model = await fitted(TRAINING, { local: plans.positions({ channels: 4 }) });
    positions = structuredClone(model.state());
    model.dispose();
  });

  test.each<[string, object, (config: Config, tensors: StateDict) => unknown]>([
    ['a channel beyond all', INVALID, (config) => (partOf(config, 'local').config.channels = [0, 1, 2, 12])],
    ['a negative channel', INVALID, (config) => (partOf(config, 'local').config.channels = [-1, 1, 2, 3])],
    ['no channels', INVALID, (config) => (partOf(config, 'local').config.channels = [])],
    ['fewer channels', MISMATCH, (config) => (partOf(config, 'local').config.channels = [0, 1, 2])],
    ['no mean', MISMATCH, (_, tensors) => tensors.delete('local.mean')],
    ['no factors', MISMATCH, (_, tensors) => tensors.delete('local.whitening')],
  ])('%s', (_, wanted, change) => refused(wanted, change, positions));
});

describe('a gallery and its images', () => {
  let gallery: SavedModel;
  beforeAll(async () => {
    const model = await fitted(TRAINING, { local: plans.gallery(), global: plans.nearestImages() });
    gallery = structuredClone(model.state());
    model.dispose();
  });

  test.each<[string, object, (config: Config, tensors: StateDict) => unknown]>([
    ['no images', INVALID, (config) => (partOf(config, 'local').config.images = 0)],
    ['no options', INVALID, (config) => delete partOf(config, 'global').config.options],
    ['more images than there are', MISMATCH, (config) => (partOf(config, 'local').config.images = 7)],
    ['more vectors than there are', MISMATCH, (config) => (partOf(config, 'global').config.images = 7)],
    ['another level', MISMATCH, (config) => (partOf(config, 'local').config.options = { levels: [1] })],
    ['a level fewer', MISMATCH, (config) => (partOf(config, 'local').config.options = { levels: [3] })],
    [
      'a level that the teacher does not have',
      { code: 'invalid-config' },
      (config) => (partOf(config, 'local').config.options = { levels: [4] }),
    ],
    ['no level', MISMATCH, (_, tensors) => tensors.delete('local.level3')],
    ['no vectors', MISMATCH, (_, tensors) => tensors.delete('local.vectors')],
    ['a tensor too many', MISMATCH, (_, tensors) => tensors.set('local.x', tensors.get('local.vectors')!)],
    [
      'NaN in half precision',
      { code: 'weights-not-finite' },
      (_, tensors) => ((tensors.get('local.level2')!.data as Uint16Array)[3] = 0x7e00),
    ],
  ])('%s', (_, wanted, change) => refused(wanted, change, gallery));
});
