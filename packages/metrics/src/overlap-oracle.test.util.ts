import type { Curve } from './evaluation-result.js';
import type { SproSample } from './index.js';

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** False-positive rate and mean sPRO at every threshold, counted from the maps by definition. */
export function slowCurve(
  samples: readonly SproSample[],
  subset: string,
  { defectType }: { defectType?: string } = {},
): Curve {
  const images = samples.filter((sample) => sample.subset === subset || sample.subset === 'good');
  const scores = new Set(images.flatMap(({ map, ignored }) => [...map].filter((_, i) => !ignored?.[i])));
  const thresholds = [...[...scores].sort((a, b) => b - a), -Infinity];
  const x: number[] = [];
  const y: number[] = [];
  for (const threshold of thresholds) {
    let background = 0;
    let falsePositives = 0;
    const overlaps: number[] = [];
    for (const { map, regions, ignored } of images) {
      map.forEach((score, i) => {
        if (ignored?.[i] || regions.some(({ mask }) => mask[i])) return;
        background++;
        if (score > threshold) falsePositives++;
      });
      for (const region of regions) {
        if (defectType !== undefined && region.defectType !== defectType) continue;
        const pixels = [...map].filter((_, i) => region.mask[i] && !ignored?.[i]);
        if (pixels.length === 0) continue;
        const found = pixels.filter((score) => score > threshold).length;
        overlaps.push(Math.min(found / Math.min(region.saturationArea as number, pixels.length), 1));
      }
    }
    x.push(falsePositives / background);
    y.push(sum(overlaps) / overlaps.length);
  }
  return { x, y };
}

/**
 * Area by the trapezoidal rule up to `limit`, with the last trapezoid cut by linear interpolation, divided by
 * `limit`.
 */
export function limitedArea({ x, y }: Curve, limit: number): number {
  let area = 0;
  for (let i = 1; i < x.length; i++) {
    const [x0, x1, y0, y1] = [x[i - 1]!, x[i]!, y[i - 1]!, y[i]!];
    if (x0 >= limit || x1 === x0) continue;
    const end = Math.min(x1, limit);
    const yAtEnd = y0 + ((y1 - y0) * (end - x0)) / (x1 - x0);
    area += ((end - x0) * (y0 + yAtEnd)) / 2;
  }
  return Number.isNaN(x[0]) || Number.isNaN(y[0]) ? NaN : area / limit;
}
