import type { StateDictData, StateDictType } from './types.js';

interface ElementArray {
  new (buffer: ArrayBuffer): StateDictData;
  readonly BYTES_PER_ELEMENT: number;
}

/** The typed array that holds the elements of each type. */
export const ELEMENT_ARRAYS: Readonly<Record<StateDictType, ElementArray>> = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U8: Uint8Array,
  U16: Uint16Array,
  U32: Uint32Array,
  U64: BigUint64Array,
  BOOL: Uint8Array,
};

export function elementBytes(dtype: StateDictType): number {
  return ELEMENT_ARRAYS[dtype].BYTES_PER_ELEMENT;
}
