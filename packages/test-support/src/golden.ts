import { readFile } from 'node:fs/promises';
import { readSafetensors, toFloat32 } from '@dskd/weights';

const { imul } = Math;

function nameHash(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** Element `index` of the tensor called `name`, uniform-looking in [0, 1), a multiple of 2^-24. */
function unitValue(hash: number, index: number): number {
  let x = (imul(index, 0x9e3779b1) + hash) | 0;
  x = imul(x ^ (x >>> 16), 0x85ebca77);
  x ^= x >>> 13;
  return (x >>> 8) / 0x1000000;
}

/**
 * Returns the tensor `name` of torch's shape `shape`, filled by an integer formula, row-major in torch's layout.
 * The values have the same bits as those of tools/golden/integer_fill.py, so that large networks need no file:
 * - `*running_var`: 0.5 + u; `*running_mean`: (u - 0.5) / 5
 * - one-dimensional `*weight` (a batch norm's): 0.5 + u; one-dimensional `*bias`: (u - 0.5) / 5
 * - everything else: (2 u - 1) sqrt(3 / fan), fan = product of all sides but the first.
 * Values are rounded to float32 once.
 */
export function integerFill(name: string, shape: readonly number[]): Float32Array {
  const length = shape.reduce((product, side) => product * side, 1);
  const hash = nameHash(name);
  const values = new Float32Array(length);
  const scale = Math.sqrt(
    3 /
      Math.max(
        1,
        shape.slice(1).reduce((product, side) => product * side, 1),
      ),
  );
  const centered = name.endsWith('running_mean') || (shape.length === 1 && name.endsWith('bias'));
  const positive = name.endsWith('running_var') || (shape.length === 1 && name.endsWith('weight'));
  for (let i = 0; i < length; i++) {
    const u = unitValue(hash, i);
    values[i] = positive ? 0.5 + u : centered ? (u - 0.5) / 5 : (2 * u - 1) * scale;
  }
  return values;
}

export interface GoldenArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

export interface Golden {
  /** The array called `name`. Throws where the file has none. */
  array(name: string): GoldenArray;
  readonly names: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads golden values, which a script in tools/golden wrote as safetensors, F32 or F64.
 * `url` is usually `new URL('../test/fixtures/NAME.safetensors', import.meta.url)`.
 */
export async function readGolden(url: URL): Promise<Golden> {
  const { tensors, metadata } = readSafetensors(await readFile(url));
  return {
    names: [...tensors.keys()],
    metadata,
    array(name) {
      const entry = tensors.get(name);
      if (!entry)
        throw new Error(`${url.pathname} has no '${name}', only ${[...tensors.keys()].join(', ')}.`);
      const data = entry.dtype === 'F64' ? (entry.data as Float64Array) : toFloat32(entry);
      return { shape: entry.shape, data };
    },
  };
}
