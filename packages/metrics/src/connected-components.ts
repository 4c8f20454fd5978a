import { DskdError } from '@dskd/base';

export interface ConnectedComponents {
  /** Per pixel: 0 outside the mask, else the number of its component. Components are numbered from 1 by their first pixel. */
  readonly labels: Uint32Array;
  /** Number of pixels of component 1, 2, and so on. */
  readonly areas: readonly number[];
}

/**
 * The connected components of a mask with 8-neighborhood: pixels that touch at a corner are connected.
 * @param mask `width * height` values, row by row; a pixel belongs to the mask where it is not 0.
 * @param visit called with the index of each pixel of the mask and the number of its component, component by component.
 * @throws {DskdError} `shape-mismatch` when the mask is not of `width` times `height` pixels.
 */
export function connectedComponents(
  mask: Uint8Array,
  width: number,
  height: number,
  visit?: (pixel: number, component: number) => void,
): ConnectedComponents {
  if (mask.length !== width * height) {
    throw new DskdError(
      'shape-mismatch',
      `Got a mask of ${mask.length} pixels; wanted ${width} x ${height}.`,
      { details: { got: mask.length, width, height } },
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
      visit?.(pixel, label);
      const x = pixel % width;
      const left = x === 0 ? 0 : -1;
      const right = x === width - 1 ? 0 : 1;
      const below = pixel + width < mask.length ? pixel + width : pixel;
      for (let row = pixel < width ? pixel : pixel - width; row <= below; row += width) {
        for (let near = row + left; near <= row + right; near++) {
          if (mask[near] === 0 || labels[near] !== 0) continue;
          labels[near] = label;
          waiting.push(near);
        }
      }
    }
    areas.push(area);
  }
  return { labels, areas };
}
