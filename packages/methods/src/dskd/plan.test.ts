import '@tensorflow/tfjs';
import type { FeatureExtractor } from '@dskd/core';
import { summarizeStudent, type Teacher } from '@dskd/models';
import { expectNoNewTensors, integerFill, useBackend } from '@dskd/test-support';
import { tensorFiles, type StateDict } from '@dskd/weights';
import { describedTeacher } from './described-teacher.test.util.js';
import { dskdOptions, paperOptions, type DskdOptions } from './options.js';
import { planBranches, setUpStudent, withInitialStates } from './plan.js';
import { TINY, TINY_ARCHITECTURE, tinyTeacher } from './tiny-fit.test.util.js';

const STAGE: Readonly<Record<string, readonly number[]>> = {
  'conv1.weight': [8, 512, 1, 1],
  'conv2.weight': [8, 8, 3, 3],
  'conv3.weight': [16, 8, 1, 1],
  'downsample.0.weight': [16, 512, 1, 1],
};
const NORMS = { bn1: 8, bn2: 8, bn3: 16, 'downsample.1': 16 };

/** One bottleneck block from the tiny teacher's 512 channels to 16, as `layer4.0.*`. */
function stageFile(): StateDict {
  const shapes = new Map(Object.entries(STAGE));
  for (const [norm, channels] of Object.entries(NORMS)) {
    for (const part of ['weight', 'bias', 'running_mean', 'running_var'])
      shapes.set(`${norm}.${part}`, [channels]);
  }
  return new Map(
    [...shapes].map(([name, shape]) => [
      `layer4.0.${name}`,
      { dtype: 'F32', shape, data: integerFill(`layer4.0.${name}`, shape) },
    ]),
  );
}

let inner: Teacher;
/** Gives the tiny teacher's features; its file is said to be a Wide-ResNet's, of one block. */
function stageTeacher(): Teacher {
  const { levels, inputTransform } = inner.extractor;
  const extractor: FeatureExtractor = {
    name: 'wide_resnet50_2',
    levels,
    inputTransform,
    outputShapes: (size) => inner.extractor.outputShapes(size),
    extract: (images) => inner.extractor.extract(images),
    dispose: () => undefined,
  };
  return { extractor, sha256: 'c'.repeat(64), weights: stageFile(), dispose: () => undefined };
}

const OPTIONS: DskdOptions = dskdOptions.parse({
  ...TINY,
  architecture: { ...TINY_ARCHITECTURE, block: 'bottleneck', innerRatio: 1 / 2, bottleneckBlocks: 1 },
  gccb: { channels: 4 },
  initialize: { global: 'teacher-stage4' },
});

beforeAll(async () => {
  await useBackend('wasm');
  inner = tinyTeacher();
});
afterAll(() => inner.dispose());

/** The tensors of the global student's stage, under the teacher's names. */
function stageOf(state: StateDict): StateDict {
  return new Map(
    [...tensorFiles.tensorsUnder(state, 'bottleneck')].filter(([name]) => name.startsWith('layer4.')),
  );
}

const plansOf = (teacher: Teacher, options = OPTIONS): ReturnType<typeof planBranches> =>
  planBranches({ teacher, inputSize: [32, 32], seed: 3 }, options);

test("the global student starts from the teacher's stage, all else from the random weights it has anyway", async () => {
  const teacher = stageTeacher();
  const plans = plansOf(teacher);
  const [local, global] = withInitialStates(plans, teacher, OPTIONS);
  expect(local).toEqual(plans[0]);
  const random = setUpStudent(plans[1]!).student;
  // As a worker gets it.
  const started = setUpStudent(structuredClone(global!)).student;
  const [before, after] = [await random.stateDict(), await started.stateDict()];
  expect(stageOf(after)).toEqual(stageFile());
  expect(stageOf(before)).not.toEqual(stageFile());
  const rest = (state: StateDict) => [...state].filter(([name]) => !name.startsWith('bottleneck.layer4.'));
  expect(rest(after)).toEqual(rest(before));
  random.dispose();
  started.dispose();
});

test('random initial weights need no weights of the teacher', () => {
  const options = dskdOptions.parse({ ...OPTIONS, initialize: {} });
  const teacher = { ...stageTeacher(), weights: new Map() };
  const plans = plansOf(teacher, options);
  expect(withInitialStates(plans, teacher, options)).toEqual(plans);
});

test.each<[string, () => { teacher?: Teacher; options?: DskdOptions }, string]>([
  [
    'a file without stage 4',
    () => ({ teacher: { ...stageTeacher(), weights: new Map() } }),
    'weights-mismatch',
  ],
  [
    'a stage of other widths',
    () => ({ options: { ...OPTIONS, architecture: { ...OPTIONS.architecture, phiChannels: 32 } } }),
    'weights-mismatch',
  ],
  [
    'a teacher without weights',
    () => ({ teacher: { ...stageTeacher(), weights: undefined } }),
    'invalid-argument',
  ],
])('%s is refused', (_, change, code) => {
  const { teacher = stageTeacher(), options = OPTIONS } = change();
  expect(() => withInitialStates(plansOf(teacher, options), teacher, options)).toThrow(
    expect.objectContaining({ code }) as Error,
  );
});

test('a plan is plain data: the same in another thread, and the same student from it', async () => {
  const [plan] = plansOf(inner);
  expect(structuredClone(plan)).toEqual(plan);
  expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  await expectNoNewTensors(async () => {
    const [one, other] = [setUpStudent(plan!).student, setUpStudent(structuredClone(plan!)).student];
    expect(await one.stateDict()).toEqual(await other.stateDict());
    one.dispose();
    other.dispose();
  });
});

test("the paper's students have 289 M parameters; fewer channels of the global block, fewer parameters", () => {
  const teacher = describedTeacher('wide_resnet50_2');
  const parameters = (options: DskdOptions): number =>
    planBranches({ teacher, inputSize: [256, 256], seed: 1 }, options).reduce(
      (sum, { student }) => sum + summarizeStudent(student).parameters,
      0,
    );
  expect(parameters(paperOptions())).toBe(83_802_624 + 205_309_440);
  expect(parameters({ ...paperOptions(), gccb: { channels: 512 } })).toBeLessThan(289e6 - 98e6);
});
