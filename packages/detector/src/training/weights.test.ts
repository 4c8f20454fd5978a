import '@tensorflow/tfjs';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import type { Teacher } from '@dskd/models';
import { tinySource, tinyTeacher } from '../tiny-world.test.util.js';
import { trainDetector } from './train-detector.js';
import type { CalibrationOptions } from './calibration-options.js';

let teacher: Teacher;
beforeAll(async () => {
  await useBackend('wasm');
  teacher = tinyTeacher();
});
afterAll(() => teacher.dispose());

const train = (weights: NonNullable<CalibrationOptions['weights']>): ReturnType<typeof trainDetector> =>
  trainDetector({
    source: tinySource(),
    teacher,
    method: 'instant',
    input: { size: [32, 32] },
    calibration: { weights },
  });

test('weights of branches are kept; of no branch, or negative, they are refused by name and nothing stays', async () => {
  const detector = await train({ local: 2, pooled: 0 });
  expect(detector.description.fusion.weights).toEqual({ local: 2, pooled: 0 });
  detector.dispose();
  await expectNoNewTensors(async () => {
    await expect(train({ elsewhere: 1 })).rejects.toMatchObject({
      code: 'invalid-config',
      message: 'Got weights of elsewhere; the branches of this instant are local, global, pooled.',
    });
  });
  await expect(train({ local: -1 })).rejects.toMatchObject({ code: 'invalid-config' });
  await expect(train({ local: NaN })).rejects.toMatchObject({ code: 'invalid-config' });
});
