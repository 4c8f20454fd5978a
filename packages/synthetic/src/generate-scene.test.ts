import { DskdError } from '@dskd/base';
import { areaOfMask } from './pixels.test.util.js';
import { CATEGORIES } from './categories.js';
import { defectsConfig } from './plan-dataset.js';
import { generateScene, type Scene, type SceneOptions } from './generate-scene.js';

const SIZE = 128;
const AT = { size: SIZE, seed: 11, split: 'test', index: 0 } as const;
const TYPES = CATEGORIES.flatMap((category) =>
  category.anomalies.map((anomaly) => ({
    category: category.name,
    anomaly: anomaly.name,
    kind: anomaly.kind,
  })),
);

const { abs, max, min, floor } = Math;

/** Indices of pixels that differ by more than noise, summed over the channels. */
function changedPixels(a: Scene, b: Scene): number[] {
  const changed: number[] = [];
  for (let pixel = 0; pixel < SIZE * SIZE; pixel++) {
    let difference = 0;
    for (let i = 3 * pixel; i < 3 * pixel + 3; i++) difference += abs(a.image.data[i]! - b.image.data[i]!);
    if (difference > 40) changed.push(pixel);
  }
  return changed;
}

/** Whether a region contains a pixel at a distance of at most 5 pixels. */
function isNear({ regions }: Scene, pixel: number): boolean {
  const x = pixel % SIZE;
  const y = floor(pixel / SIZE);
  for (let v = max(y - 5, 0); v <= min(y + 5, SIZE - 1); v++) {
    for (let u = max(x - 5, 0); u <= min(x + 5, SIZE - 1); u++) {
      if (regions.some(({ mask }) => mask.data[v * SIZE + u]! > 0)) return true;
    }
  }
  return false;
}

/**
 * Anomalies that move an object. The ground truth marks its new position only, so the old position changes without
 * being marked.
 */
const LEAVES_A_GAP = [
  'misplaced_piece',
  'wrong_slot',
  'swapped_ends',
  'misplaced_end',
  'additional_plug',
  'bent_bolt',
  'wrong_length',
];

describe.each(['standard', 'hard'] as const)('%s', (level) => {
  test.each(TYPES)('$category, $anomaly: ground truth and image agree', ({ category, anomaly, kind }) => {
    const entry = defectsConfig(category, { size: SIZE }).find(({ defect_name }) => defect_name === anomaly)!;
    const options: SceneOptions = { ...AT, category, level };
    const good = generateScene(options);
    const scene = generateScene({ ...options, anomaly });
    expect([good.label, good.regions.length, scene.label]).toEqual(['good', 0, kind]);
    expect(scene.regions.length).toBeGreaterThan(0);
    for (const { mask, defectType, pixelValue, saturation } of scene.regions) {
      const values = new Set(mask.data);
      values.delete(0);
      expect([...values]).toEqual([entry.pixel_value]);
      expect(mask).toMatchObject({ width: SIZE, height: SIZE, channels: 1 });
      expect({ defectType, pixelValue, saturation }).toEqual({
        defectType: anomaly,
        pixelValue: entry.pixel_value,
        saturation: { threshold: entry.saturation_threshold, relative: entry.relative_saturation },
      });
      const area = areaOfMask(mask);
      expect(area).toBeGreaterThanOrEqual(12);
      // The threshold must be the area of one object or at most the whole region.
      if (!saturation.relative) expect(saturation.threshold).toBeLessThan(area * 2.1);
    }
    const changed = changedPixels(good, scene);
    expect(changed.length).toBeGreaterThan(12);
    const explained = changed.filter((pixel) => isNear(scene, pixel)).length / changed.length;
    expect(explained).toBeGreaterThan(LEAVES_A_GAP.includes(anomaly) ? 0.35 : 0.9);
  });
});

test.each(CATEGORIES.map(({ name }) => name))('%s: good images vary in every part', (category) => {
  const images = [0, 1, 2, 3, 4].map(
    (index) => generateScene({ ...AT, category, index, split: 'train' }).image,
  );
  const spread = Array.from({ length: SIZE * SIZE }, (_, pixel) => {
    const values = images.map(({ data }) => data[3 * pixel + 1]!);
    return Math.max(...values) - Math.min(...values);
  });
  const still = spread.filter((value) => value < 4).length / spread.length;
  expect(still).toBeLessThan(0.05);
});

test.each(CATEGORIES.map(({ name }) => name))(
  '%s: hard defects are no larger than standard ones',
  (category) => {
    const areaAt = (level: 'standard' | 'hard'): number =>
      CATEGORIES.find(({ name }) => name === category)!
        .anomalies.filter(({ kind }) => kind === 'structural_anomalies')
        .flatMap(({ name }) => generateScene({ ...AT, category, level, anomaly: name }).regions)
        .reduce((sum, { mask }) => sum + areaOfMask(mask), 0);
    expect(areaAt('hard')).toBeLessThan(0.85 * areaAt('standard'));
  },
);

test('seed, index, split and category each change the image; nothing else does', () => {
  const base: SceneOptions = { ...AT, category: 'tray' };
  const bytes = (options: SceneOptions): string =>
    Buffer.from(generateScene(options).image.data).toString('latin1');
  const others = [
    {},
    { seed: 12 },
    { index: 1 },
    { split: 'train' },
    { category: 'bag' },
    { level: 'hard' },
  ] as const;
  expect(new Set(others.map((other) => bytes({ ...base, ...other }))).size).toBe(others.length);
  expect(bytes({ ...base })).toBe(bytes({ ...base }));
});

test('a larger image shows the same scene', () => {
  const small = generateScene({ ...AT, category: 'box', anomaly: 'missing_bead' });
  const large = generateScene({ ...AT, category: 'box', anomaly: 'missing_bead', size: 384 });
  const shrunk = (at: number): number => {
    const x = (at % SIZE) * 3 + 1;
    const y = Math.floor(at / SIZE) * 3 + 1;
    return y * 384 + x;
  };
  let apart = 0;
  small.regions[0]!.mask.data.forEach((value, at) => {
    expect(large.regions[0]!.mask.data[shrunk(at)]).toBe(value);
    apart += Math.abs(small.image.data[3 * at]! - large.image.data[3 * shrunk(at)]!);
  });
  expect(apart / (SIZE * SIZE)).toBeLessThan(14);
});

test.each([
  [{ category: 'cup' }, 'Got the category cup; wanted one of tray, box, bag, harness, flask.'],
  [{ anomaly: 'underfilled' }, /Got the anomaly underfilled for tray; wanted one of missing_plug, /],
  [{ size: 127 }, 'Got size 127; wanted an integer from 128 to 1024.'],
  [{ size: 1025 }, 'Got size 1025; wanted an integer from 128 to 1024.'],
  [{ size: 200.5 }, 'Got size 200.5; wanted an integer from 128 to 1024.'],
  [{ seed: -1 }, /Got seed -1/],
  [{ index: Number.NaN }, /Got index NaN/],
  [{ split: 'val' as 'test' }, 'Got split val; wanted one of train, validation, test.'],
  [{ level: 'easy' as 'hard' }, 'Got level easy; wanted one of standard, hard.'],
])('refuses %o', (wrong, message) => {
  const draw = (): Scene => generateScene({ ...AT, category: 'tray', ...wrong });
  expect(draw).toThrow(message);
  expect(draw).toThrow(DskdError);
});
