import type { DetectorDescription } from '@dskd/detector';
import { thresholdLines } from './saved-model.js';

function described(
  count: number,
  threshold: Partial<DetectorDescription['threshold']>,
  images: DetectorDescription['calibration']['images'] = 'given',
): DetectorDescription {
  return {
    calibration: { images, scores: Array.from({ length: count }, (_, i) => i) },
    threshold: { value: count - 1, falseAlarmRate: 0.01, guaranteed: true, ...threshold },
  } as unknown as DetectorDescription;
}

test('299 images guarantee 1 % with confidence', () => {
  expect(thresholdLines(described(299, {}))).toEqual([
    'threshold 298.0000 for a false-alarm rate of 0.01 from 299 images (given)',
    'of new good parts like these at most 0.33 % raise a false alarm on average; at most 1 % with 95 % confidence',
  ]);
});

test('a quantile guarantees its rate on average, a higher one with confidence', () => {
  // Two of 59 scores are above it: 3 of 60 on average.
  const lines = thresholdLines(described(59, { value: 56, falseAlarmRate: 0.05 }, 'held-out'));
  expect(lines).toEqual([
    'threshold 56.0000 for a false-alarm rate of 0.05 from 59 images (held-out)',
    'of new good parts like these at most 5 % raise a false alarm on average; at most 10 % with 95 % confidence',
  ]);
});

test('reports too few images, and how many are needed', () => {
  expect(thresholdLines(described(20, { guaranteed: false }))).toEqual([
    'threshold 19.0000 for a false-alarm rate of 0.01 from 20 images (given)',
    'of new good parts like these at most 4.8 % raise a false alarm on average; at most 14 % with 95 % confidence',
    '20 good images are too few to guarantee 1 %, so the threshold is their highest score: the rate takes 99 images on average, 299 with 95 % confidence',
  ]);
});

test('training images guarantee nothing', () => {
  expect(thresholdLines(described(99, {}, 'training'))[1]).toMatch(/were trained on these images/);
});

test('images that were learned, too, guarantee nothing, and are counted', () => {
  const description = described(200, { guaranteed: false });
  const calibration = { ...description.calibration, alsoLearned: 199 };
  const lines = thresholdLines({ ...description, calibration });
  expect(lines).toHaveLength(2);
  expect(lines[1]).toBe(
    'the model learned 199 of these images: new good parts score higher, no rate is guaranteed',
  );
});

test('altered copies guarantee nothing, however many there are', () => {
  const lines = thresholdLines(described(299, { guaranteed: false }, 'altered'));
  expect(lines).toHaveLength(2);
  expect(lines[1]).toMatch(/altered copies of one image: .* no rate is guaranteed$/);
});

test('with images of bad parts: prints how the threshold was chosen, and its errors', () => {
  const counts = { threshold: 4, falseAlarms: 1, normals: 40, misses: 0, anomalies: 12 };
  const chosenBy = (rule: 'f1-max' | 'cost'): string =>
    thresholdLines(described(40, { value: 4, falseAlarmRate: null, chosenBy: rule }), counts)[0]!;
  expect(chosenBy('f1-max')).toBe(
    'threshold 4.0000: where F1 is highest on 40 good and 12 bad images; of those 1 false alarm and 0 misses',
  );
  expect(chosenBy('cost')).toContain('where errors cost least on');
  expect(thresholdLines(described(40, { value: 4, falseAlarmRate: null }))).toEqual([
    'threshold 4.0000, not chosen for a false-alarm rate',
  ]);
});
