import '@tensorflow/tfjs';
import { holdOut } from '@dskd/data';
import { createNormalizationAccumulator } from '@dskd/scoring';
import { useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { combineDetectors } from './combine-detectors.js';
import type { Detector } from '../inference/detector.js';
import { loadDetector } from '../artifact/load-detector.js';
import { expectNormalized, momentsOver } from '../calibration/map-moments.test.util.js';
import { recalibrate } from '../calibration/recalibrate.js';
import type { Teacher } from '@dskd/models';
import { tinyOptions, tinySource, tinyTeacher, type TinyChanges } from '../tiny-world.test.util.js';
import { trainDetector } from './train-detector.js';

const good = tinySource().samples.filter(({ split }) => split === 'train');
let teacher: Teacher;
/** Eq. 8 with its usual statistics. */
let usual: Detector;

beforeAll(async () => {
  await useBackend('wasm');
  registerWasmGradients();
  teacher = tinyTeacher();
  usual = await train({});
});
afterAll(() => {
  usual.dispose();
  teacher.dispose();
});

/** Trained on varied images, so that statistics of varied ones would show; maps are not smoothed. */
function train(options: TinyChanges): Promise<Detector> {
  return trainDetector(
    tinyOptions(teacher, {
      epochs: 1,
      sigma: 0,
      normalization: 'moments',
      augmentation: { rotation: { degrees: 20 }, colorJitter: { brightness: 0.5 } },
      ...options,
    }),
  );
}

test('calibrateOnTraining: all good images train and, as they are, calibrate', async () => {
  const detector = await train({ onTrainingImages: true });
  const { calibration, trainings } = detector.description;
  const { scores, moments } = await momentsOver(detector, good);
  expect(trainings[0]).toMatchObject({ images: 8, options: { calibrateOnTraining: true } });
  expect(calibration).toEqual({ images: 'training', scores });
  expectNormalized(moments);
  detector.dispose();
});

test('statisticsOn training: mean and deviation of the images that trained, scores of those that did not', async () => {
  const { kept, heldOut } = holdOut(good, { fraction: 0.3, seed: 3 });
  const detector = await train({ statisticsOn: 'training' });
  const { calibration, trainings } = detector.description;
  expect(trainings[0]).toMatchObject({ images: kept.length, options: { statisticsOn: 'training' } });
  expectNormalized((await momentsOver(detector, kept)).moments);
  const { scores } = await momentsOver(detector, heldOut);
  expect(calibration).toEqual({ images: 'held-out', scores });

  expect(usual.description.trainings[0]!.options.statisticsOn).toBe('calibration');
  expectNormalized((await momentsOver(usual, heldOut)).moments);
  expect(usual.description.branches[0]!.normalization).not.toEqual(
    detector.description.branches[0]!.normalization,
  );
  detector.dispose();
});

/** The 0.9 and 0.995 quantiles of each branch's maps of `samples`. */
async function quantilesOver(detector: Detector, samples: typeof good): Promise<Record<string, number[]>> {
  const predictions = await detector.predict(await Promise.all(samples.map((sample) => sample.load())));
  return Object.fromEntries(
    Object.keys(predictions[0]!.branches).map((name) => {
      const quantiles = createNormalizationAccumulator('quantiles');
      for (const { branches } of predictions) quantiles.add(branches[name]!.map!.data);
      const { offset, scale } = quantiles.result();
      return [name, [offset, offset + scale]];
    }),
  );
}

describe('normalization: quantiles', () => {
  let detector: Detector;
  const { heldOut } = holdOut(good, { fraction: 0.3, seed: 3 });
  beforeAll(async () => (detector = await train({ normalization: 'quantiles' })));
  afterAll(() => detector.dispose());

  test('the 0.9 quantile of each branch over the normal images is 0, the 0.995 quantile 1', async () => {
    expect(detector.description.fusion.normalization).toBe('quantiles');
    const quantiles = await quantilesOver(detector, heldOut);
    expect(Object.keys(quantiles)).toEqual(['local', 'global']);
    for (const [zero, one] of Object.values(quantiles)) {
      expect(Math.abs(zero!)).toBeLessThan(0.02);
      expect(Math.abs(one! - 1)).toBeLessThan(0.02);
    }
  });

  test('is kept in the file, and by statistics measured anew', async () => {
    const loaded = await loadDetector(detector.save());
    expect(loaded.description).toEqual(detector.description);
    await recalibrate(loaded, tinySource(), { statistics: true });
    for (const [zero, one] of Object.values(await quantilesOver(loaded, good))) {
      expect(Math.abs(zero!)).toBeLessThan(0.02);
      expect(Math.abs(one! - 1)).toBeLessThan(0.02);
    }
    loaded.dispose();
  });

  test('does not mix with moments', async () => {
    expect(usual.description.fusion.normalization).toBe('moments');
    await expect(combineDetectors([detector, usual], { source: tinySource() })).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining('they normalize, smooth or add maps differently') as string,
    });
  });
});
