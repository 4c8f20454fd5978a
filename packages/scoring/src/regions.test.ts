import fc from 'fast-check';
import { connectedComponents } from '@dskd/metrics';
import { findRegions, type Region } from './index.js';
import type { FindRegionsOptions } from './regions.js';

function drawing(rows: readonly string[]): { map: Float32Array; width: number; height: number } {
  return {
    map: Float32Array.from(rows.join(''), (character) => (character === '.' ? 0 : Number(character))),
    width: rows[0]!.length,
    height: rows.length,
  };
}

describe('findRegions', () => {
  test('pixels that touch, corners included, are one region; the highest first', () => {
    const { map, ...sizes } = drawing([
      '3...2', //
      '.3..2',
      '....9',
      '5....',
    ]);
    expect(findRegions(map, { ...sizes, threshold: 1 })).toEqual([
      { box: { left: 4, top: 0, width: 1, height: 3 }, area: 3, score: 9, peak: { x: 4, y: 2 } },
      { box: { left: 0, top: 3, width: 1, height: 1 }, area: 1, score: 5, peak: { x: 0, y: 3 } },
      { box: { left: 0, top: 0, width: 2, height: 2 }, area: 2, score: 3, peak: { x: 0, y: 0 } },
    ]);
    expect(findRegions(map, { ...sizes, threshold: 9 })).toEqual([]);
    expect(findRegions(map, { ...sizes, threshold: 8.5 })).toHaveLength(1);
  });

  test('a ring, a spiral and a full map are one region each', () => {
    for (const rows of [
      ['111', '1.1', '111'],
      ['11111', '....1', '111.1', '1...1', '11111'],
      ['1111', '1111'],
    ]) {
      const { map, ...sizes } = drawing(rows);
      const regions = findRegions(map, { ...sizes, threshold: 0 });
      expect(regions).toHaveLength(1);
      expect(regions[0]!.area).toBe(map.filter((value) => value > 0).length);
      expect(regions[0]!.box).toEqual({ left: 0, top: 0, ...sizes });
    }
  });

  test('small ones are left out, ignored pixels belong to none', () => {
    const { map, ...sizes } = drawing(['22.5', '22..']);
    expect(findRegions(map, { ...sizes, threshold: 1, minArea: 2 }).map(({ score }) => score)).toEqual([2]);
    const ignored = Uint8Array.of(0, 0, 0, 255, 0, 0, 0, 0);
    expect(findRegions(map, { ...sizes, threshold: 1, ignored }).map(({ score }) => score)).toEqual([2]);
  });

  test('boxes, areas and peaks in pixels of the original image', () => {
    const { map, ...sizes } = drawing(['....', '.34.', '....']);
    const [region] = findRegions(map, { ...sizes, threshold: 1, scaleTo: { width: 40, height: 15 } });
    expect(region).toEqual({
      box: { left: 10, top: 5, width: 20, height: 5 },
      area: 100,
      score: 4,
      peak: { x: 25, y: 7 },
    });
    expect(
      findRegions(map, { ...sizes, threshold: 1, scaleTo: { width: 40, height: 15 }, minArea: 101 }),
    ).toEqual([]);
  });

  test('whatever the scale, boxes and peaks lie inside the image', () => {
    const side = fc.integer({ min: 1, max: 12 });
    const original = fc.integer({ min: 1, max: 1001 });
    fc.assert(
      fc.property(side, side, original, original, (width, height, originalWidth, originalHeight) => {
        const map = new Float32Array(width * height);
        map[map.length - 1] = 1;
        map[0] = 1;
        const scaleTo = { width: originalWidth, height: originalHeight };
        for (const { box, peak } of findRegions(map, { width, height, threshold: 0, scaleTo })) {
          expect(box.left).toBeGreaterThanOrEqual(0);
          expect(box.left + box.width).toBeLessThanOrEqual(originalWidth);
          expect(box.top + box.height).toBeLessThanOrEqual(originalHeight);
          expect(peak.x).toBeGreaterThanOrEqual(box.left);
          expect(peak.x).toBeLessThan(box.left + box.width);
          expect(peak.y).toBeGreaterThanOrEqual(box.top);
          expect(peak.y).toBeLessThan(box.top + box.height);
        }
      }),
    );
  });

  test('areas add up to the pixels above the threshold; regions of a slow oracle', () => {
    const image = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 35, maxLength: 35 });
    fc.assert(
      fc.property(image, (values) => {
        const [width, height, threshold] = [7, 5, 1];
        // Each pixel takes the smallest label of its neighborhood until nothing changes.
        const labels = values.map((value, i) => (value > threshold ? i : -1));
        for (let changed = true; changed; ) {
          changed = false;
          for (let i = 0; i < labels.length; i++) {
            for (let j = 0; j < labels.length; j++) {
              const [dx, dy] = [(i % width) - (j % width), Math.floor(i / width) - Math.floor(j / width)];
              if (labels[j]! >= 0 && labels[j]! < labels[i]! && Math.abs(dx) <= 1 && Math.abs(dy) <= 1) {
                labels[i] = labels[j]!;
                changed = true;
              }
            }
          }
        }
        const wanted = [...new Set(labels)]
          .filter((label) => label >= 0)
          .map((label) => {
            const inside = values.filter((_, i) => labels[i] === label);
            return [Math.max(...inside), inside.length];
          });
        const got = findRegions(Float32Array.from(values), { width, height, threshold });
        const inOrder = (a: number[], b: number[]): number => b[0]! - a[0]! || b[1]! - a[1]!;
        expect(got.map(({ score, area }) => [score, area]).sort(inOrder)).toEqual(wanted.sort(inOrder));
      }),
    );
  });

  test('the same regions as by the definition over connected components, plateaus included', () => {
    /** As the definition says, slowly: of pixels with the highest value, the one that is reached first is the peak. */
    function byDefinition(map: Float32Array, options: FindRegionsOptions): Region[] {
      const { width, height, threshold, minArea = 0, scaleTo = { width, height }, ignored } = options;
      const toX = (x: number): number => (x * scaleTo.width) / width;
      const toY = (y: number): number => (y * scaleTo.height) / height;
      const above = Uint8Array.from(map, (value, i) => (value > threshold && !ignored?.[i] ? 1 : 0));
      const components: number[][] = [];
      connectedComponents(above, width, height, (pixel, number) => {
        (components[number - 1] ??= []).push(pixel);
      });
      return components
        .filter((pixels) => toX(toY(pixels.length)) >= minArea)
        .map((pixels) => {
          const xs = pixels.map((pixel) => pixel % width);
          const ys = pixels.map((pixel) => Math.floor(pixel / width));
          const score = Math.max(...pixels.map((pixel) => map[pixel]!));
          const peak = pixels.find((pixel) => map[pixel] === score)!;
          const [left, top] = [Math.floor(toX(Math.min(...xs))), Math.floor(toY(Math.min(...ys)))];
          return {
            box: {
              left,
              top,
              width: Math.ceil(toX(Math.max(...xs) + 1)) - left,
              height: Math.ceil(toY(Math.max(...ys) + 1)) - top,
            },
            area: Math.round(toX(toY(pixels.length))),
            score,
            peak: {
              x: Math.floor(toX((peak % width) + 0.5)),
              y: Math.floor(toY(Math.floor(peak / width) + 0.5)),
            },
          };
        })
        .sort((a, b) => b.score - a.score);
    }
    const side = fc.integer({ min: 1, max: 14 });
    fc.assert(
      fc.property(side, side, fc.infiniteStream(fc.nat(4)), fc.nat(9), (width, height, values, minArea) => {
        const map = Float32Array.from({ length: width * height }, () => values.next().value as number);
        const ignored = Uint8Array.from({ length: width * height }, () => Number(values.next().value === 4));
        const options = {
          width,
          height,
          threshold: 1,
          minArea,
          scaleTo: { width: 3 * width, height: 31 },
          ignored,
        };
        expect(findRegions(map, options)).toEqual(byDefinition(map, options));
      }),
    );
  });

  test('refuses sizes that do not fit', () => {
    const map = new Float32Array(6);
    expect(() => findRegions(map, { width: 2, height: 2, threshold: 0 })).toThrow(
      /map of 6 pixels; wanted 2 x 2/,
    );
    expect(() => findRegions(map, { width: 2, height: 3, threshold: 0, ignored: new Uint8Array(5) })).toThrow(
      /mask of 5/,
    );
    expect(() =>
      findRegions(map, { width: 2, height: 3, threshold: 0, scaleTo: { width: 0, height: 9 } }),
    ).toThrow(/positive/);
  });
});
