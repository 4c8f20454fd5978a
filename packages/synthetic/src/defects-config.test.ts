import { areaOfMask } from './pixels.test.util.js';
import { CATEGORIES } from './categories.js';
import { defectsConfig } from './plan-dataset.js';
import { generateScene } from './generate-scene.js';

describe.each(CATEGORIES)('$name', ({ name, anomalies }) => {
  test('every type has a different name and pixel value', () => {
    const config = defectsConfig(name, { size: 256 });
    expect(config.map((entry) => entry.defect_name)).toEqual(anomalies.map((anomaly) => anomaly.name));
    expect(new Set(config.map((entry) => entry.defect_name)).size).toBe(config.length);
    expect(new Set(config.map((entry) => entry.pixel_value)).size).toBe(config.length);
    for (const entry of config) {
      expect(Number.isInteger(entry.pixel_value) && entry.pixel_value >= 1 && entry.pixel_value <= 255).toBe(
        true,
      );
    }
  });

  test('relative thresholds are fractions, absolute ones are areas that grow with the image', () => {
    const small = defectsConfig(name, { size: 256 });
    const large = defectsConfig(name, { size: 512 });
    small.forEach((entry, i) => {
      const threshold = entry.saturation_threshold;
      if (entry.relative_saturation) {
        expect(threshold > 0 && threshold <= 1).toBe(true);
        expect(large[i]).toEqual(entry);
      } else {
        expect(Number.isInteger(threshold)).toBe(true);
        expect(Math.abs(large[i]!.saturation_threshold - 4 * threshold)).toBeLessThanOrEqual(2);
      }
    });
  });

  test('has structural and logical anomalies, the logical ones first', () => {
    const kinds = anomalies.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'logical_anomalies').length).toBeGreaterThanOrEqual(6);
    expect(kinds.filter((kind) => kind === 'structural_anomalies').length).toBeGreaterThanOrEqual(6);
    expect(kinds.lastIndexOf('logical_anomalies')).toBeLessThan(kinds.indexOf('structural_anomalies'));
  });
});

// If any of several objects may be the extra one, the full score is for the area of one object.
test.each([
  ['tray', 'additional_plug', 2],
  ['box', 'wrong_ratio_of_beads', 4],
  ['bag', 'additional_nut', 3],
  ['bag', 'additional_ring', 4],
  ['harness', 'additional_cable', 3],
])('%s, %s: saturates at the area of one of %d', (category, anomaly, count) => {
  // A scene where two blue beads have been replaced by ochre ones.
  const index = category === 'box' ? beadsTurnedOchre() : 0;
  const { mask, saturation } = generateScene({ category, anomaly, size: 512, seed: 3, split: 'test', index })
    .regions[0]!;
  const area = areaOfMask(mask);
  expect(saturation.relative).toBe(false);
  expect(Math.abs(area / count / saturation.threshold - 1)).toBeLessThan(0.08);
});

function beadsTurnedOchre(): number {
  const areas = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => {
    const options = {
      category: 'box',
      anomaly: 'wrong_ratio_of_beads',
      size: 128,
      seed: 3,
      split: 'test',
    } as const;
    return areaOfMask(generateScene({ ...options, index }).regions[0]!.mask);
  });
  // Five blue beads, or four ochre ones.
  return areas.indexOf(Math.min(...areas));
}
