import type { PixelBuffer } from '@dskd/base';

/** Number of pixels of a mask that are not 0. */
export function areaOfMask({ data }: PixelBuffer): number {
  let area = 0;
  for (const value of data) area += Number(value > 0);
  return area;
}

/** Whether two images hold the same bytes; quicker than jest's comparison element by element. */
export function sameBytes(a: PixelBuffer['data'], b: PixelBuffer['data']): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
