/** Pickle opcodes that push one value on the stack. The functions below return them. */
export type Ops = readonly number[];

export function uint32(value: number): number[] {
  return [...new Uint8Array(Uint32Array.of(value).buffer)];
}

export function uint64(value: number | bigint): number[] {
  return [...new Uint8Array(BigUint64Array.of(BigInt(value)).buffer)];
}

export const none: Ops = [0x4e];
export const yes: Ops = [0x88];
export const no: Ops = [0x89];

export function text(value: string): Ops {
  const bytes = new TextEncoder().encode(value);
  return [0x58, ...uint32(bytes.length), ...bytes];
}

export function integer(value: number): Ops {
  if (value === (value | 0)) return [0x4a, ...uint32(value >>> 0)];
  return [0x8a, 8, ...uint64(BigInt.asUintN(64, BigInt(value)))];
}

export function tuple(...items: Ops[]): Ops {
  return [0x28, ...items.flat(), 0x74];
}

export function list(...items: Ops[]): Ops {
  return [0x28, ...items.flat(), 0x6c];
}

export function dict(entries: Readonly<Record<string, Ops>>): Ops {
  return [0x7d, 0x28, ...Object.entries(entries).flatMap(([name, value]) => [...text(name), ...value]), 0x75];
}

export function global(path: string): Ops {
  const dot = path.lastIndexOf('.');
  return [0x63, ...new TextEncoder().encode(`${path.slice(0, dot)}\n${path.slice(dot + 1)}\n`)];
}

export function call(path: string, ...args: Ops[]): Ops {
  return [...global(path), ...tuple(...args), 0x52];
}

export function storage(type: string, key: string, count: number, view?: Ops): Ops {
  const parts = [text('storage'), global(type), text(key), text('cpu'), integer(count)];
  return [...tuple(...parts, ...(view ? [view] : [])), 0x51];
}

export interface View {
  offset?: number;
  shape: readonly number[];
  strides?: readonly number[];
}

export function rowMajor(shape: readonly number[]): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((product, side) => product * side, 1));
}

export function tensor(of: Ops, { offset = 0, shape, strides = rowMajor(shape) }: View): Ops {
  return call(
    'torch._utils._rebuild_tensor_v2',
    of,
    integer(offset),
    tuple(...shape.map(integer)),
    tuple(...strides.map(integer)),
    no,
    call('collections.OrderedDict'),
  );
}

export function pickle(ops: Ops): Uint8Array {
  return Uint8Array.from([0x80, 2, ...ops, 0x2e]);
}
