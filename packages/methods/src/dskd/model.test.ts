import '@tensorflow/tfjs';
import type { Teacher } from '@dskd/models';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import type { StateDict, StateDictEntry } from '@dskd/weights';
import type { JsonObject, RestoreContext, SavedModel } from '../contract.js';
import { branchConfig, restoreModel, type DskdConfig } from './model.js';
import { dskdOptions } from './options.js';
import { planBranches, setUpStudent } from './plan.js';
import { TINY, tinyTeacher } from './tiny-fit.test.util.js';

let teacher: Teacher;
let saved: { readonly config: DskdConfig; readonly tensors: StateDict };

/** Students as they are before any training. */
beforeAll(async () => {
  await useBackend('wasm');
  teacher = tinyTeacher();
  const options = dskdOptions.parse({ ...TINY, gccb: { channels: 4 } });
  const plans = planBranches({ teacher, inputSize: [32, 32], seed: 3 }, options);
  const tensors: StateDict = new Map();
  for (const plan of plans) {
    const { student } = setUpStudent(plan);
    for (const [name, entry] of await student.stateDict()) tensors.set(`${plan.name}.${name}`, entry);
    student.dispose();
  }
  saved = {
    config: { branches: plans.map(branchConfig), levels: { fusion: 'sum', alignCorners: true } },
    tensors,
  };
});
afterAll(() => teacher.dispose());

interface Changes {
  readonly config?: (config: DskdConfig) => unknown;
  readonly tensors?: (tensors: StateDict) => void;
  readonly context?: Partial<RestoreContext>;
}

function restore({ config = (same) => same, tensors: change, context }: Changes = {}): ReturnType<
  typeof restoreModel
> {
  const tensors: StateDict = new Map(saved.tensors);
  change?.(tensors);
  const model: SavedModel = { config: config(structuredClone(saved.config)) as JsonObject, tensors };
  return restoreModel('dskd', model, { inputSize: [32, 32], teacher, ...context });
}

/** Expects the changed model to be refused, without a tensor left. */
async function refused(changes: Changes, wanted: object): Promise<void> {
  await expectNoNewTensors(() => {
    expect(() => restore(changes)).toThrow(expect.objectContaining(wanted) as Error);
    return Promise.resolve();
  });
}

const float = (...values: number[]): StateDictEntry => ({
  dtype: 'F32',
  shape: [values.length],
  data: Float32Array.from(values),
});

/** The config with the first branch changed. */
const withFirst =
  (change: (branch: DskdConfig['branches'][number]) => unknown) =>
  ({ branches: [first, ...rest], levels }: DskdConfig): unknown => ({
    branches: [change(first!), ...rest],
    levels,
  });

test('what is restored says what was saved, and leaves nothing when it is disposed', async () => {
  await expectNoNewTensors(() => {
    const model = restore();
    expect(model.branches).toEqual([
      { name: 'local', map: true },
      { name: 'global', map: true },
    ]);
    expect(model.state()).toEqual(saved);
    model.dispose();
    return Promise.resolve();
  });
});

describe('tensors', () => {
  test('none of a branch', () =>
    refused(
      {
        tensors: (tensors) =>
          [...tensors.keys()].forEach((name) => name.startsWith('local.') && tensors.delete(name)),
      },
      {
        code: 'weights-mismatch',
        message: expect.stringContaining('lacks tensors') as string,
        details: { tensors: ['local.*'] },
      },
    ));

  test.each(['other.x', 'x', 'localx.y', '__proto__'])('one of no branch: %s', (name) =>
    refused(
      { tensors: (tensors) => tensors.set(name, float(1)) },
      { code: 'weights-mismatch', details: { tensors: [name] } },
    ),
  );

  test('one too many in a student', () =>
    refused(
      { tensors: (tensors) => tensors.set('local.decoder.extra', float(1)) },
      { code: 'weights-mismatch' },
    ));

  test('one too few in a student', () =>
    refused(
      {
        tensors: (tensors) => tensors.delete([...tensors.keys()].find((name) => name.startsWith('global.'))!),
      },
      { code: 'weights-mismatch' },
    ));

  test.each<[string, StateDictEntry['dtype'], StateDictEntry['data']]>([
    ['I32', 'I32', Int32Array.of(1)],
    ['U8', 'U8', Uint8Array.of(1)],
  ])('of the element type %s', (_, dtype, data) =>
    refused(
      { tensors: (tensors) => tensors.set('local.x', { dtype, shape: [1], data }) },
      {
        code: 'weights-mismatch',
        message: expect.stringContaining(`local.x (${dtype})`) as string,
        details: { tensors: [`local.x (${dtype})`] },
      },
    ),
  );
});

describe('the config', () => {
  const named = (path: string): object => ({
    code: 'artifact-invalid',
    message: expect.stringContaining(`  ${path}: `) as string,
  });

  test('a student without its kind', () =>
    refused(
      { config: withFirst((branch) => ({ ...branch, student: { preset: 'nano' } })) },
      named('branches.0.student.branch'),
    ));

  test('two branches of one name, or one that begins with another and a dot', async () => {
    const twice = ({ branches: [first], levels }: DskdConfig): unknown => ({
      branches: [first, first],
      levels,
    });
    await refused({ config: twice }, named('branches'));
    const dotted = withFirst((branch) => ({ ...branch, name: 'global.x' }));
    await refused({ config: dotted }, named('branches'));
  });

  test('no branches, an unnamed one, or levels that are added otherwise', async () => {
    await refused({ config: ({ levels }) => ({ levels, branches: [] }) }, named('branches'));
    await refused({ config: withFirst((branch) => ({ ...branch, name: '' })) }, named('branches.0.name'));
    const product = { fusion: 'product', alignCorners: true };
    await refused({ config: ({ branches }) => ({ branches, levels: product }) }, named('levels.fusion'));
  });

  test.each([7, null, [], 'x'])('%p is none', (config) =>
    refused({ config: () => config }, { code: 'artifact-invalid' }),
  );

  test('a size beyond all that can be run is refused before anything is made', () =>
    refused(
      {
        config: withFirst(({ student, ...rest }) => ({
          ...rest,
          student: { ...student, inputSize: [1e9, 32] },
        })),
      },
      named('branches.0.student.inputSize.0'),
    ));

  test('an objective that is not known here', () =>
    refused(
      { config: withFirst((branch) => ({ ...branch, objective: { name: 'mystery', options: {} } })) },
      { code: 'invalid-argument', message: expect.stringContaining("'mystery'") as string },
    ));

  test('a student that asks for more weights than the file holds, before it is made', () =>
    refused(
      {
        config: withFirst(({ student, ...rest }) => ({
          ...rest,
          student: { ...student, architecture: { ...student.architecture, phiChannels: 1_000_000 } },
        })),
      },
      {
        code: 'weights-mismatch',
        message: expect.stringContaining('by its description; the file holds') as string,
      },
    ));
});

describe('what it is restored with', () => {
  test('another input size', () =>
    refused(
      { context: { inputSize: [64, 32] } },
      {
        code: 'input-size-mismatch',
        message: "The student 'local' is made for images of 32x32 pixels, the detector for 64x32.",
      },
    ));

  test('a teacher that gives features of other sizes', () => {
    const outputShapes = (): [number, number, number][] => [
      [8, 8, 1],
      [4, 4, 1],
      [2, 2, 1],
    ];
    const { levels, name, inputTransform } = teacher.extractor;
    const extractor = {
      ...{ levels, name, inputTransform, outputShapes },
      extract: () => Promise.reject(new Error('It was used.')),
      dispose: () => undefined,
    };
    return refused(
      { context: { teacher: { ...teacher, extractor } } },
      {
        code: 'input-size-mismatch',
        message: expect.stringContaining('gives 8x8x1, 4x4x1, 2x2x1') as string,
      },
    );
  });

  test('no teacher', () => refused({ context: { teacher: undefined } }, { code: 'invalid-argument' }));
});
