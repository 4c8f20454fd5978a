import { readFile } from 'node:fs/promises';
import { readSafetensors, readStateDict, writeSafetensors } from './index.js';
import { refusalOf } from './refusal.test.util.js';

test.each([
  ['HDF5', [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0], /HDF5/],
  ['a zip archive', [0x50, 0x4b, 0x03, 0x04, 0, 0, 0, 0, 0, 0], /zip archive/],
  ['a pickle', [0x80, 0x02, 0x4b, 0x01, 0x2e, 0, 0, 0, 0, 0], /not written by torch.save/],
  ['a NumPy array', [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 9, 0, 0, 0], /NumPy array/],
  ['an unknown format', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], /safetensors/],
  ['one byte', [0x80], /safetensors/],
  ['an empty file', [], /0 bytes/],
])('%s is refused with its format', (_, bytes, message) => {
  expect(refusalOf(Uint8Array.from(bytes)).message).toMatch(message);
});

test('a safetensors file whose first bytes are the signature of another format is read', () => {
  // The length of the header is 0x0280, so the file starts with 80 02 like a pickle.
  const json = '{}'.padEnd(0x280);
  const file = new Uint8Array(8 + json.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(new TextEncoder().encode(json), 8);
  expect(readStateDict(file).size).toBe(0);
});

test('maxBytes limits safetensors files and is validated', () => {
  const file = writeSafetensors(new Map([['x', { dtype: 'F32', shape: [4], data: new Float32Array(4) }]]));
  expect(readStateDict(file, { maxBytes: 16 }).size).toBe(1);
  expect(readSafetensors(file, { maxBytes: 16 }).tensors.size).toBe(1);
  const { details, hint } = refusalOf(file, { maxBytes: 15 }, 'weights-too-large');
  expect(details).toEqual({ wanted: 16, maxBytes: 15 });
  expect(hint).toMatch(/maxBytes/);
  for (const maxBytes of [-1, NaN]) refusalOf(file, { maxBytes }, 'invalid-argument');
});

test('the main entry point uses no API of Node', async () => {
  const folder = new URL('../src/', import.meta.url);
  const reached = new Set<string>();
  const open = ['index.ts'];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    const source = await readFile(new URL(name, folder), 'utf8');
    for (const [, from] of source.matchAll(/from '([^']+)'/g)) {
      expect(from).not.toMatch(/^node:/);
      if (from!.startsWith('.')) {
        const url = new URL(from!.replace(/\.js$/, '.ts'), new URL(name, folder));
        open.push(url.href.slice(folder.href.length));
      }
    }
    expect(source).not.toMatch(/\b(Buffer|process|require)\b[.(]/);
  }
  expect(reached.size).toBeGreaterThan(15);
});
