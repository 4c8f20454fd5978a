import '@tensorflow/tfjs';
import { useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { workerRunnerFor } from '@dskd/methods/node';
import { tinyOptions, tinyTeacher } from '../tiny-world.test.util.js';
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
