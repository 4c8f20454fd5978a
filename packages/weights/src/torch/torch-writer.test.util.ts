import { writeZip, type ZipPart } from '../zip/zip-writer.test.util.js';
import {
  dict,
  integer,
  list,
  pickle,
  storage,
  tensor,
  text,
  uint64,
  yes,
  type Ops,
} from './pickle-writer.test.util.js';

export function concat(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let start = 0;
  for (const part of parts) {
    whole.set(part, start);
    start += part.length;
  }
  return whole;
}

/** Returns a file in PyTorch's zip format. `more` adds entries or replaces those with the same name. */
export function torchZip(
  root: Ops | Uint8Array,
  storages: Readonly<Record<string, Uint8Array>> = {},
  more: readonly ZipPart[] = [],
): Uint8Array {
  const parts: ZipPart[] = [
    { name: 'archive/data.pkl', data: root instanceof Uint8Array ? root : pickle(root) },
    ...Object.entries(storages).map(([key, data]) => ({ name: `archive/data/${key}`, data })),
    { name: 'archive/version', data: new TextEncoder().encode('3\n') },
  ];
  const replaced = parts.filter(({ name }) => !more.some((part) => part.name === name));
  return writeZip([...replaced, ...more]);
}

export const LEGACY_HEAD: readonly Uint8Array[] = [
  Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e),
  pickle(integer(1001)),
  pickle(dict({ protocol_version: integer(1001), little_endian: yes })),
];

/** Returns a file in PyTorch's legacy format. Each storage is given as number of elements and bytes. */
export function torchLegacy(
  root: Ops,
  storages: Readonly<Record<string, readonly [count: number, bytes: Uint8Array]>> = {},
): Uint8Array {
  return concat(
    ...LEGACY_HEAD,
    pickle(root),
    pickle(list(...Object.keys(storages).map(text))),
    ...Object.values(storages).flatMap(([count, bytes]) => [Uint8Array.from(uint64(count)), bytes]),
  );
}

/** Returns the bytes of `values` as float32. */
export function floats(...values: number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

/** `{'x': tensor}` with a tensor of two float32 in storage '0'. */
export const PAIR: Ops = dict({ x: tensor(storage('torch.FloatStorage', '0', 2), { shape: [2] }) });
