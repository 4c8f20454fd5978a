import { DskdError } from '@dskd/base';
import type { Curve } from './evaluation-result.js';

/** A polyline with any number of points. */
export interface Polyline {
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
}

interface Segment {
  readonly start: number;
  readonly end: number;
  /** The point between start and end that forms the largest triangle with them, and twice the triangle's area. */
  readonly corner: number;
  readonly size: number;
}

/** `|dx| + |dy|` from point `i - 1` to point `i`. */
function stepAt({ x, y }: Polyline, i: number): number {
  return Math.abs(x[i]! - x[i - 1]!) + Math.abs(y[i]! - y[i - 1]!);
}

function checkCurve({ x, y }: Polyline, points: number): void {
  if (!Number.isInteger(points) || points < 2) {
    throw new DskdError('invalid-argument', `Got ${points} points to keep; wanted an integer of at least 2.`);
  }
  if (x.length !== y.length) {
    throw new DskdError(
      'shape-mismatch',
      `Got a curve with ${x.length} x and ${y.length} y; wanted the same number.`,
    );
  }
  for (let i = 0; i < x.length; i++) {
    if (!Number.isFinite(x[i]!) || !Number.isFinite(y[i]!)) {
      throw new DskdError(
        'invalid-argument',
        `Got (${x[i]!}, ${y[i]!}) as point ${i} of a curve; wanted finite numbers.`,
        { details: { index: i } },
      );
    }
  }
}

/** Indices of both ends and of points between them, such that a stretch is one step of the curve or at most `reach` long. */
function walk(curve: Polyline, reach: number): number[] {
  const kept = [0];
  let distance = 0;
  for (let i = 1; i < curve.x.length; i++) {
    const step = stepAt(curve, i);
    distance += step;
    if (distance > reach && i - 1 > kept.at(-1)!) {
      kept.push(i - 1);
      distance = step;
    }
  }
  kept.push(curve.x.length - 1);
  return kept;
}

function segmentOf({ x, y }: Polyline, start: number, end: number): Segment {
  const width = x[end]! - x[start]!;
  const height = y[end]! - y[start]!;
  let corner = start;
  let size = 0;
  for (let i = start + 1; i < end; i++) {
    const area = Math.abs(width * (y[i]! - y[start]!) - height * (x[i]! - x[start]!));
    if (area > size) {
      corner = i;
      size = area;
    }
  }
  return { start, end, corner, size };
}

/**
 * Reduces a curve to at most `points` of its points, to draw or store it: both ends, up to half of the points evenly
 * along its length, then repeatedly the point that forms the largest triangle with its kept neighbors (as Douglas and
 * Peucker, but by area). A curve with at most `points` points is returned unchanged.
 *
 * The area under a curve that rises monotonically from (0, 0) to (1, 1) changes by at most `1 / (2 * floor(points / 4))`,
 * 0.01 with 200 points: stretches of the first walk reach over at most `2 / floor(points / 4)` in x and y
 * together, curve and line lie in one half each of a stretch's box, and every further point makes the boxes'
 * sum smaller. ROC curves of thousands of samples change by less than 0.0002 (tested).
 * @param curve any number of points, in drawing order.
 * @param points the largest number of points to keep. Default 200.
 * @throws {DskdError} `invalid-argument` for a point that is not finite or fewer than 2 points to keep;
 * `shape-mismatch` when x and y differ in length.
 */
export function thinCurve(curve: Polyline, points = 200): Curve {
  checkCurve(curve, points);
  const { x, y } = curve;
  if (x.length <= points) return { x: Array.from(x), y: Array.from(y) };
  let length = 0;
  for (let i = 1; i < x.length; i++) length += stepAt(curve, i);
  // Two stretches that follow each other are longer than the reach together: at most points / 2 are kept.
  const kept = walk(curve, length / Math.floor(points / 4));
  const segments = kept.slice(1).map((end, i) => segmentOf(curve, kept[i]!, end));
  while (segments.length + 1 < points) {
    let largest = 0;
    for (let i = 1; i < segments.length; i++) if (segments[i]!.size > segments[largest]!.size) largest = i;
    const { start, end, corner, size } = segments[largest]!;
    if (size === 0) break;
    segments.splice(largest, 1, segmentOf(curve, start, corner), segmentOf(curve, corner, end));
  }
  const indices = [0, ...segments.map(({ end }) => end)];
  return { x: indices.map((i) => x[i]!), y: indices.map((i) => y[i]!) };
}
