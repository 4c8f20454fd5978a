import '@tensorflow/tfjs';
import type { Augmentation } from '@dskd/data';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { readArtifact } from '../artifact/artifact.js';
import type { Detector } from '../inference/detector.js';
import type { Teacher } from '@dskd/models';
import { tinyOptions, tinySource, tinyTeacher, type TinyChanges } from '../tiny-world.test.util.js';
import { trainDetector } from './train-detector.js';
import { estimateTraining } from './estimate-training.js';

const augmentation: Augmentation = {
  flips: { horizontal: true, vertical: true },
  rotation: { degrees: 5 },
  colorJitter: { brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0.05 },
};
let teacher: Teacher;

beforeAll(async () => {
  await useBackend('wasm');
  registerWasmGradients();
  teacher = tinyTeacher();
});

function train(options: TinyChanges = {}): Promise<Detector> {
  return trainDetector(tinyOptions(teacher, { augmentation, ...options }));
}

async function bytesOf(options: TinyChanges): Promise<Uint8Array> {
  const trained = await train(options);
  const bytes = trained.save({ embedTeacher: false });
  trained.dispose();
  return bytes;
}

/** The first of two epochs, and the file after both. */
let checkpoint: Uint8Array;
let whole: Uint8Array;
let detector: Detector;

beforeAll(async () => {
  const saved: Uint8Array[] = [];
  const save = (bytes: Uint8Array): Promise<void> => {
    saved.push(bytes);
    return Promise.resolve();
  };
  detector = await train({ checkpoint: { everyEpochs: 1, save } });
  checkpoint = saved[0]!;
  whole = detector.save({ embedTeacher: false });
});

afterAll(() => {
  detector.dispose();
  teacher.dispose();
});

test('resumed in one thread it is the same file bit for bit, and no tensors stay', async () => {
  const resumed = await expectNoNewTensors(() => bytesOf({ resumeFrom: checkpoint }));
  expect(Buffer.compare(resumed, whole)).toBe(0);
});

test('every epoch sees other pixels: features are not kept, and no memory is set aside for them', async () => {
  expect(Buffer.compare(await bytesOf({ featureCacheBytes: 0 }), whole)).toBe(0);
  const total = async (more: TinyChanges): Promise<number> =>
    (await estimateTraining(tinyOptions(teacher, more), { measuredSteps: 0 })).memory.total;
  expect(await total({ augmentation })).toBe(await total({ featureCacheBytes: 0 }));
  expect(await total({ augmentation })).toBeLessThan(await total({}));
});

test('it decides what is learned, and the artifact records it', async () => {
  const plain = await train({ augmentation: undefined });
  expect(plain.description.trainings[0]!.augmentation).toBeNull();
  expect(plain.description.trainings[0]!.fit.finalLosses).not.toEqual(
    detector.description.trainings[0]!.fit.finalLosses,
  );
  plain.dispose();
  expect(readArtifact(whole).description.trainings[0]!.augmentation).toEqual(augmentation);
});

test('images that calibrate are not varied', async () => {
  const normals = await Promise.all(
    tinySource()
      .samples.slice(0, 8)
      .map((sample) => sample.load()),
  );
  const scores = (await detector.predict(normals)).map(({ score }) => score);
  for (const score of detector.description.calibration.scores) expect(scores).toContain(score);
});

test('an augmentation that makes no sense is refused before anything is trained', async () => {
  const wrong = { rotation: { degrees: -1 } };
  await expectNoNewTensors(() =>
    expect(trainDetector(tinyOptions(teacher, { augmentation: wrong }))).rejects.toMatchObject({
      code: 'invalid-config',
    }),
  );
});
