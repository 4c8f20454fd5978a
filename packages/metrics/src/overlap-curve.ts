import { lowerBound, type BackgroundRanks } from './background-ranks.js';
import type { Curve } from './evaluation-result.js';
import type { OverlapRegion } from './overlap-regions.js';

/** Then there are at most 2000 points. */
const STEP = 1 / 999;

interface Point {
  readonly bin: number;
  readonly x: number;
  readonly y: number;
}

/**
 * Points of the curve of false-positive rate and mean overlap, from (0, 0) to (1, 1), at most 2000. Each lies on the
 * curve. From one to the next the overlap rises by 1 / 999 at most, or on a straight piece of the curve itself. As the
 * curve rises all the way, the area below the points' polyline, up to any limit and over it, is at most 1 / 999 off.
 * @returns no points without regions or without background.
 */
export function overlapCurve(regions: readonly OverlapRegion[], ranks: BackgroundRanks): Curve {
  if (regions.length === 0 || ranks.pixels === 0) return { x: [], y: [] };
  const { pixels, shift } = ranks;
  const bins = 2 ** (32 - shift);
  // What is found and falsely found by a threshold at the top of a bin: all of higher bins.
  const pointAt = (bin: number): Point => {
    const overlap = regions.reduce(
      (sum, { keys }) => sum + (keys.length - lowerBound(keys, (bin + 1) * 2 ** shift)) / keys.length,
      0,
    );
    return { bin, x: ranks.atOrAbove(bin + 1) / pixels, y: overlap / regions.length };
  };
  const found: Point[] = [];
  // From `a`, exclusive, down to `b`.
  const trace = (a: Point, b: Point): void => {
    if (a.bin - b.bin > 1 && b.y - a.y > STEP) {
      const middle = pointAt(Math.floor((a.bin + b.bin) / 2));
      trace(a, middle);
      trace(middle, b);
    } else found.push(b);
  };
  const start = pointAt(bins - 1);
  trace(start, pointAt(-1));
  const kept = [start];
  found.forEach((point, i) => {
    const last = kept.at(-1)!;
    const next = found[i + 1];
    if (point.x === last.x && point.y === last.y) return;
    if (next === undefined || next.y - last.y > STEP) kept.push(point);
  });
  return { x: kept.map(({ x }) => x), y: kept.map(({ y }) => y) };
}
