import '@tensorflow/tfjs';
import type { FeatureExtractor } from '@dskd/core';
import { expectNoNewTensors, integerFill, useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { tensorFiles, type StateDict } from '@dskd/weights';
import { readArtifact } from '../artifact/artifact.js';
import type { Detector } from '../inference/detector.js';
import { workerRunnerFor } from '@dskd/methods/node';
import type { Teacher } from '@dskd/models';
import { TINY_ARCHITECTURE, tinyOptions, tinyTeacher, type TinyChanges } from '../tiny-world.test.util.js';
import { trainDetector } from './train-detector.js';

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

const ARCHITECTURE = {
  ...TINY_ARCHITECTURE,
  block: 'bottleneck',
  innerRatio: 1 / 2,
  bottleneckBlocks: 1,
} as const;

function options(given: TinyChanges = {}): ReturnType<typeof tinyOptions> {
  return tinyOptions(stageTeacher(), {
    architecture: ARCHITECTURE,
    epochs: 1,
    initialize: { global: 'teacher-stage4' },
    ...given,
  });
}

beforeAll(async () => {
  await useBackend('wasm');
  registerWasmGradients();
  inner = tinyTeacher();
});
afterAll(() => inner.dispose());

/** The tensors of the global student's stage, under the teacher's names. */
function stageOf(state: StateDict): StateDict {
  return new Map(
    [...tensorFiles.tensorsUnder(state, 'bottleneck')].filter(([name]) => name.startsWith('layer4.')),
  );
}

function studentOf(detector: Detector, name: string): StateDict {
  return tensorFiles.tensorsUnder(
    readArtifact(detector.save({ embedTeacher: false })).tensors,
    `dskd.${name}`,
  );
}

test('it is trained on from there, recorded, and the same in workers', async () => {
  const detector = await trainDetector(options());
  const threaded = await trainDetector(options({ runner: workerRunnerFor() }));
  const mine = { localLearningRate: 0.005, initialize: 'is mine', statisticsOn: 'is not mine' };
  const random = await trainDetector(options({ initialize: {}, recorded: mine }));
  expect(threaded.description).toEqual(detector.description);
  expect(studentOf(threaded, 'global')).toEqual(studentOf(detector, 'global'));
  expect(studentOf(random, 'global')).not.toEqual(studentOf(detector, 'global'));
  expect(studentOf(random, 'local')).toEqual(studentOf(detector, 'local'));

  const trained = stageOf(studentOf(detector, 'global'));
  const wanted = stageFile();
  let unchanged = 0;
  for (const [name, { data }] of trained) {
    const start = wanted.get(name)!.data as Float32Array;
    const moved = (data as Float32Array).map((value, i) => Math.abs(value - start[i]!));
    const largest = moved.reduce((most, value) => Math.max(most, value), 0);
    if (largest === 0) unchanged++;
    // Two steps of Adam at 0.001 move a weight by some 0.002 at most.
    if (!name.includes('running')) expect(largest).toBeLessThan(0.01);
  }
  expect(unchanged).toBe(0);

  expect(detector.description.trainings[0]!.fit.initialize).toEqual({ global: 'teacher-stage4' });
  expect(random.description.trainings[0]!.options).toEqual({
    localLearningRate: 0.005,
    initialize: 'is mine',
    holdOutFraction: 0.3,
    calibrateOnTraining: false,
    statisticsOn: 'calibration',
    falseAlarmRate: 0.05,
  });
  expect(random.description.trainings[0]!.fit).toMatchObject({
    initialize: { global: 'random' },
    optimizers: { local: { learningRate: 0.005 }, global: { learningRate: 0.001 } },
  });
  for (const each of [detector, threaded, random]) each.dispose();
});

test.each([
  [
    'a file without stage 4',
    () => ({ teacher: { ...stageTeacher(), weights: new Map() } }),
    'weights-mismatch',
  ],
  [
    'a stage of other widths',
    () => ({ architecture: { ...ARCHITECTURE, phiChannels: 32 } }),
    'weights-mismatch',
  ],
  [
    'a teacher without weights',
    () => ({ teacher: { ...stageTeacher(), weights: undefined } }),
    'invalid-argument',
  ],
  ['another word', () => ({ initialize: { global: 'stage5' as 'random' } }), 'invalid-config'],
])('%s is refused before anything is trained', async (_, change, code) => {
  const runner = (): never => {
    throw new Error('A student was made.');
  };
  await expectNoNewTensors(() =>
    expect(trainDetector(options({ ...change(), runner }))).rejects.toMatchObject({ code }),
  );
});
