import '@tensorflow/tfjs';
import type { DskdEvent } from '@dskd/base';
import { sourceOf, type Sample } from '@dskd/data';
import type { Teacher } from '@dskd/models';
import { useBackend } from '@dskd/test-support';
import { loadDetector } from '../artifact/load-detector.js';
import type { Detector } from '../inference/detector.js';
import { instantDetector } from '../lessons/instant.test.util.js';
import { tinySource, tinyTeacher } from '../tiny-world.test.util.js';
import { recalibrate } from './recalibrate.js';

let teacher: Teacher;
let detector: Detector;
beforeAll(async () => {
  await useBackend('wasm');
  teacher = tinyTeacher();
  // Six of the eight good images train, two calibrate.
  const trained = await instantDetector(teacher, { method: 'fre' });
  detector = await loadDetector(trained.save({ embedTeacher: false }), { teacher });
  trained.dispose();
});
afterAll(() => {
  detector.dispose();
  teacher.dispose();
});

const good = tinySource().samples.slice(0, 8);
const fresh = tinySource().samples.slice(8, 11);
/** Under other names, one of them at the end of another folder: only the pixels are the same. */
const renamed = (samples: readonly Sample[]): Sample[] =>
  samples.map((sample, index) => ({
    ...sample,
    id: `elsewhere/${index}.bmp`,
    split: 'train',
    label: 'good',
  }));

async function warningsOf(samples: readonly Sample[]): Promise<string[]> {
  const warnings: string[] = [];
  const onEvent = (event: DskdEvent): void => {
    if (event.type === 'warning') warnings.push(event.message);
  };
  await recalibrate(detector, sourceOf('normals', renamed(samples)), { falseAlarmRate: 0.3, onEvent });
  return warnings;
}

test('a training keeps a hash of each image it learned', () => {
  const [training] = detector.description.trainings;
  expect(training!.imageHashes).toHaveLength(6);
  expect(new Set(training!.imageHashes).size).toBe(6);
});

test('calibrating on images that were trained on, under any name: a warning with the count, no promise', async () => {
  const warnings = await warningsOf([...good, fresh[0]!]);
  expect(warnings).toEqual([
    expect.stringMatching(/^6 of the 9 good images of normals .* no rate is promised/),
  ]);
  const { calibration, threshold } = detector.description;
  expect(calibration).toMatchObject({ images: 'given', alsoLearned: 6 });
  expect(threshold).toMatchObject({ falseAlarmRate: 0.3, guaranteed: false });
});

test('on new images: no warning, and the rate is promised where they are enough', async () => {
  expect(await warningsOf(fresh)).toEqual([]);
  expect(detector.description.calibration).not.toHaveProperty('alsoLearned');
  expect(detector.description.threshold).toMatchObject({ falseAlarmRate: 0.3, guaranteed: true });
});

test('images of a lesson were learned, too, until it is undone', async () => {
  await detector.extend(sourceOf('lesson', renamed(fresh.slice(0, 2))));
  expect(await warningsOf(fresh)).toEqual([expect.stringMatching(/^2 of the 3 good images/)]);
  detector.forget();
  expect(await warningsOf(fresh)).toEqual([]);
});

test('a training with validation images that it also trains on warns and promises nothing', async () => {
  const warnings: string[] = [];
  const onEvent = (event: DskdEvent): void => {
    if (event.type === 'warning') warnings.push(event.message);
  };
  const validation = [...good.slice(0, 3), ...fresh].map(
    (sample): Sample => ({
      ...sample,
      id: `validation/${sample.id}`,
      split: 'validation',
    }),
  );
  const source = sourceOf('twice', [...good, ...validation]);
  const trained = await instantDetector(teacher, { method: 'fre', source, onEvent });
  expect(warnings).toEqual([expect.stringMatching(/^3 of the 6 good images of twice/)]);
  expect(trained.description.calibration).toMatchObject({ images: 'validation', alsoLearned: 3 });
  expect(trained.description.threshold).toMatchObject({ falseAlarmRate: 0.3, guaranteed: false });
  trained.dispose();
});
