import '@tensorflow/tfjs';
import { useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { workerRunnerFor } from '@dskd/methods/node';
import { tinyOptions, tinyTeacher } from '../tiny-world.test.util.js';
import { estimateTraining } from './estimate-training.js';
import { trainDetector } from './train-detector.js';

beforeAll(async () => {
  await useBackend('wasm');
  registerWasmGradients();
});

test('a thread per student gives the file of one thread', async () => {
  const teacher = tinyTeacher();
  const single = await trainDetector(tinyOptions(teacher));
  const threaded = await trainDetector(tinyOptions(teacher, { runner: workerRunnerFor() }));
  expect(Buffer.compare(threaded.save(), single.save())).toBe(0);
  single.dispose();
  threaded.dispose();
  teacher.dispose();
});

test("a worker imports a user's own modules", async () => {
  const teacher = tinyTeacher();
  const module = new URL('./own-objective.test.util.js', import.meta.url);
  await import(module.href);
  const detector = await trainDetector(
    tinyOptions(teacher, {
      branches: {
        own: {
          branch: 'local',
          objective: { name: 'halvedCosine', options: {} },
          optimizer: { learningRate: 0.005 },
        },
      },
      runner: workerRunnerFor({ modules: [module] }),
    }),
  );
  expect(detector.description.branches.map(({ name }) => name)).toEqual(['own']);
  expect(detector.description.config.branches).toMatchObject([
    { name: 'own', objective: { name: 'halvedCosine' } },
  ]);
  detector.dispose();
  teacher.dispose();
});

test('augmented, and resumed in workers, it is the same file bit for bit', async () => {
  const teacher = tinyTeacher();
  const augmentation = {
    flips: { horizontal: true, vertical: true },
    rotation: { degrees: 5 },
    colorJitter: { brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0.05 },
  };
  const saved: Uint8Array[] = [];
  const save = (bytes: Uint8Array): Promise<void> => Promise.resolve(void saved.push(bytes));
  const once = await trainDetector({
    ...tinyOptions(teacher, { augmentation }),
    checkpoint: { everyEpochs: 1, save },
  });
  const resumed = await trainDetector(
    tinyOptions(teacher, { augmentation, resumeFrom: saved[0]!, runner: workerRunnerFor() }),
  );
  expect(Buffer.compare(resumed.save(), once.save())).toBe(0);
  for (const each of [once, resumed, teacher]) each.dispose();
});

test('the steps of a worker are measured, and it is ended', async () => {
  const teacher = tinyTeacher();
  const cost = await estimateTraining(tinyOptions(teacher, { runner: workerRunnerFor() }));
  expect(cost.secondsPerStep).toBeGreaterThan(0);
  teacher.dispose();
});
