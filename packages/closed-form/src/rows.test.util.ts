import { randomStream } from '@dskd/base';
import type { Golden } from '@dskd/test-support';
import type { Rows } from './rows.js';

export function rowsOf(values: readonly (readonly number[])[]): Rows {
  const width = values[0]?.length ?? 0;
  return { data: Float32Array.from(values.flat()), count: values.length, width };
}

export function goldenRows(golden: Golden, name: string): Rows {
  const { shape, data } = golden.array(name);
  return { data: data as Float32Array, count: shape[0]!, width: shape[1]! };
}

export function normalRows(seed: number, count: number, width: number): Rows {
  const stream = randomStream(seed, 'test');
  return { data: Float32Array.from({ length: count * width }, () => stream.normal()), count, width };
}

/** In float64, from the definition. */
export function distance(a: Rows, i: number, b: Rows, j: number): number {
  let sum = 0;
  for (let column = 0; column < a.width; column++) {
    sum += (a.data[i * a.width + column]! - b.data[j * b.width + column]!) ** 2;
  }
  return Math.sqrt(sum);
}
