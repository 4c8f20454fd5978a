import type { AnomalyModel } from '../contract.js';
import { tinyBatch } from '../dskd/tiny-fit.test.util.js';

/** Maps, and scores of branches without one, branch after branch: what they say of each image, joined. */
export async function valuesOf(model: AnomalyModel, indices: readonly number[]): Promise<number[][]> {
  const images = tinyBatch(indices);
  const outputs = await model.score(images);
  expect(outputs.map(({ name, map }) => ({ name, map: map !== null }))).toEqual(model.branches);
  const values: number[][] = indices.map(() => []);
  for (const { map, scores } of outputs) {
    if (map) expect(map.shape).toEqual([indices.length, 32, 32]);
    const all = map ? await map.data() : scores!;
    const each = all.length / indices.length;
    for (const [image, own] of values.entries()) own.push(...all.slice(image * each, (image + 1) * each));
    map?.dispose();
  }
  images.dispose();
  return values;
}

/** Bilinear interpolation of `[height, width]` values to `side` with half-pixel centers, as torch with align_corners false. */
export function atPixel(
  values: readonly number[],
  [height, width]: readonly [number, number],
  y: number,
  x: number,
  side = 32,
): number {
  const at = (position: number, length: number): [number, number, number] => {
    const clamped = Math.max(0, position);
    const lower = Math.min(Math.floor(clamped), length - 1);
    return [lower, Math.min(lower + 1, length - 1), clamped - lower];
  };
  const [top, bottom, down] = at(((y + 0.5) * height) / side - 0.5, height);
  const [left, right, across] = at(((x + 0.5) * width) / side - 0.5, width);
  const row = (r: number): number =>
    values[r * width + left]! * (1 - across) + values[r * width + right]! * across;
  return row(top) * (1 - down) + row(bottom) * down;
}
