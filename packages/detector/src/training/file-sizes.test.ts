import '@tensorflow/tfjs';
import { useBackend } from '@dskd/test-support';
import { instantDetector } from '../lessons/instant.test.util.js';
import { tinyOptions, tinySource, tinyTeacher } from '../tiny-world.test.util.js';
import { estimateTraining } from './estimate-training.js';

beforeAll(() => useBackend('wasm'));

test.each(['fre'])('%s: the file takes no more than was estimated, and not much less', async (method) => {
  const teacher = tinyTeacher();
  const detector = await instantDetector(teacher, { method });
  const { length } = detector.save();
  const { description } = detector;
  detector.dispose();
  const { files } = await estimateTraining(
    {
      source: tinySource(),
      teacher,
      method,
      options: { components: 2 },
      input: { size: [32, 32] },
      calibration: { holdOutFraction: 0.3 },
    },
    { measuredSteps: 0 },
  );
  teacher.dispose();
  // The description is a few kilobytes of JSON beside the tensors.
  expect(length).toBeLessThan(files!.model + 4 * JSON.stringify(description).length);
  expect(length).toBeGreaterThan(files!.model / 3);
});

test('a checkpoint of students has the parameters and two moments of each', async () => {
  const teacher = tinyTeacher();
  const { files } = await estimateTraining(tinyOptions(teacher), { measuredSteps: 0 });
  const weights = [...teacher.weights!.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  teacher.dispose();
  expect(files!.checkpoint).toBe(3 * (files!.model - weights));
});
