import { DskdError } from '@dskd/base';

export interface ConnectedComponents {
  /** Of each pixel 0 outside the mask, else the number of its component, from 1 in the order of their first pixels. */
  readonly labels: Uint32Array;
  /** Pixels of component 1, 2, and so on. */
  readonly areas: readonly number[];
}

/**
 * The parts of a mask that hang together, corners counting as contact (8-neighborhood).
 * @param mask row by row; a pixel belongs to it where it is not 0.
 * @throws {DskdError} `shape-mismatch` when the mask is not of `width` times `height` pixels.
 */
export function connectedComponents(mask: Uint8Array, width: number, height: number): ConnectedComponents {
  if (mask.length !== width * height) {
    throw new DskdError(
      'shape-mismatch',
      `Got a mask of ${mask.length} pixels; wanted ${width} x ${height}.`,
      {
        details: { got: mask.length, width, height },
      },
    );
  }
  const labels = new Uint32Array(mask.length);
  const areas: number[] = [];
  const waiting: number[] = [];
  for (let first = 0; first < mask.length; first++) {
    if (mask[first] === 0 || labels[first] !== 0) continue;
    const label = areas.length + 1;
    let area = 0;
    labels[first] = label;
    waiting.push(first);
    for (let pixel = waiting.pop(); pixel !== undefined; pixel = waiting.pop()) {
      area++;
      const x = pixel % width;
      const left = x === 0 ? 0 : -1;
      const right = x === width - 1 ? 0 : 1;
      for (let row = pixel - width; row <= pixel + width; row += width) {
        for (let near = row + left; near <= row + right; near++) {
          // Outside above and below both are undefined.
          if (!mask[near] || labels[near] !== 0) continue;
          labels[near] = label;
          waiting.push(near);
        }
      }
    }
    areas.push(area);
  }
  return { labels, areas };
}
