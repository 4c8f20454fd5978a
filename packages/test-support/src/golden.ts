import { readFile } from 'node:fs/promises';
import { readSafetensors, toFloat32 } from '@dskd/weights';

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
 * Reads golden values that a generator script (tools/golden) wrote as safetensors, F32 or F64.
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
