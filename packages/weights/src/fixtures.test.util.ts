import { readFileSync } from 'node:fs';
import type { StateDict, StateDictType } from './types.js';

const FOLDER = new URL('../test/fixtures/', import.meta.url);

interface ExpectedEntry {
  dtype: StateDictType;
  shape: number[];
  hex: string;
}

export function readFixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, FOLDER)));
}

/** Returns the expected tensors by file and name, written by tools/golden/weights_formats.py. */
export function readExpected(): Record<string, Record<string, ExpectedEntry>> {
  const text = readFileSync(new URL('expected.json', FOLDER), 'utf8');
  return (JSON.parse(text) as { files: Record<string, Record<string, ExpectedEntry>> }).files;
}

/** Converts tensors to the form of `readExpected`. */
export function asExpected(tensors: StateDict): Record<string, ExpectedEntry> {
  return Object.fromEntries(
    [...tensors].map(([name, { dtype, shape, data }]) => [
      name,
      {
        dtype,
        shape: [...shape],
        hex: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex'),
      },
    ]),
  );
}
