import '@tensorflow/tfjs';
import { holdOut } from '@dskd/data';
import { useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import type { Detector } from './detector.js';
import { expectNormalised, momentsOver } from './map-moments.test.util.js';
import type { Teacher } from './teacher.js';
import { tinyOptions, tinySource, tinyTeacher } from './tiny-world.test.util.js';
import { trainDetector } from './train-detector.js';
import type { TrainDetectorOptions } from './training-options.js';

const good = tinySource().samples.filter(({ split }) => split === 'train');
let teacher: Teacher;

beforeAll(async () => {
  await useBackend('wasm');
  registerWasmGradients();
  teacher = tinyTeacher();
});
afterAll(() => teacher.dispose());

/** Trained on varied pictures, so that statistics of varied ones would show; maps are not smoothed. */
function train(options: Partial<TrainDetectorOptions>): Promise<Detector> {
  return trainDetector({
    ...tinyOptions(teacher),
    epochs: 1,
    sigma: 0,
    augmentation: { rotation: { degrees: 20 }, colourJitter: { brightness: 0.5 } },
    ...options,
  });
}

test('calibrateOnTraining: all good pictures train and, as they are, calibrate', async () => {
  const detector = await train({ calibrateOnTraining: true });
  const { calibration, trainings } = detector.description;
  const { scores, moments } = await momentsOver(detector, good);
  expect(trainings[0]).toMatchObject({ pictures: 8, options: { calibrateOnTraining: true } });
  expect(calibration).toEqual({ pictures: 'training', scores });
  expectNormalised(moments);
  detector.dispose();
});

test('statisticsOn training: mean and deviation of the pictures that trained, scores of those that did not', async () => {
  const { kept, heldOut } = holdOut(good, { fraction: 0.3, seed: 3 });
  const detector = await train({ statisticsOn: 'training' });
  const { calibration, trainings } = detector.description;
  expect(trainings[0]).toMatchObject({ pictures: kept.length, options: { statisticsOn: 'training' } });
  expectNormalised((await momentsOver(detector, kept)).moments);
  const { scores } = await momentsOver(detector, heldOut);
  expect(calibration).toEqual({ pictures: 'held-out', scores });

  const usual = await train({});
  expect(usual.description.trainings[0]!.options.statisticsOn).toBe('calibration');
  expectNormalised((await momentsOver(usual, heldOut)).moments);
  expect(usual.description.branches[0]!.mean).not.toBe(detector.description.branches[0]!.mean);
  detector.dispose();
  usual.dispose();
});
