import { SproAccumulator, type SproRegion, type SproResult, type SproSample } from './index.js';
import { saturationAreaOf } from './saturation-area.js';

describe('the saturation area of a rule', () => {
  const place = { name: '003', region: 0, label: 'region 1 (bent)', defectType: 'bent' };

  test('truncates to whole pixels, at most the area', () => {
    expect(saturationAreaOf(10, { threshold: 0.25, relative: true }, place)).toBe(2);
    expect(saturationAreaOf(10, { threshold: 1, relative: true }, place)).toBe(10);
    expect(saturationAreaOf(10, { threshold: 6, relative: false }, place)).toBe(6);
    expect(saturationAreaOf(10, { threshold: 6300, relative: false }, place)).toBe(10);
  });

  test('a rule gives the same result as its number of pixels', () => {
    const sample = (saturationArea: SproRegion['saturationArea']): SproSample => ({
      name: '003',
      subset: 'logical',
      map: Float32Array.of(3, 2, 1, 5),
      width: 4,
      height: 1,
      regions: [{ mask: Uint8Array.of(1, 1, 1, 0), saturationArea }],
    });
    const resultOf = (saturationArea: SproRegion['saturationArea']): SproResult => {
      const accumulator = new SproAccumulator();
      accumulator.add(sample(saturationArea));
      return accumulator.result();
    };
    expect(resultOf({ threshold: 0.7, relative: true })).toEqual(resultOf(2));
    expect(resultOf({ threshold: 1, relative: false })).toEqual(resultOf(1));
  });

  test('refuses less than one pixel, with the name of the region', () => {
    expect(() => saturationAreaOf(9, { threshold: 0.1, relative: true }, place)).toThrow(
      '003: the relative saturation threshold of region 1 (bent) is 0.1, of 9 pixels none; wanted at least one pixel.',
    );
    expect(() => saturationAreaOf(9, { threshold: 1.5, relative: true }, place)).toThrow('at most 1');
    expect(() => saturationAreaOf(9, { threshold: 0.5, relative: false }, place)).toThrow('a whole number');
  });
});
