/** Element types of stored tensors, with the names of the safetensors format. */
export type StateDictType =
  | 'F64'
  | 'F32'
  | 'F16'
  | 'BF16'
  | 'I64'
  | 'I32'
  | 'I16'
  | 'I8'
  | 'U8'
  | 'U16'
  | 'U32'
  | 'U64'
  | 'BOOL';

/** Elements in the typed array of their type. F16 and BF16 are stored as their 16 bits, BOOL as bytes 0 and 1. */
export type StateDictData =
  | Float64Array
  | Float32Array
  | Uint16Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array
  | Uint32Array;

export interface StateDictEntry {
  readonly dtype: StateDictType;
  readonly shape: readonly number[];
  /** Elements in row-major order. The length is the product of `shape`. */
  readonly data: StateDictData;
}

/** Tensors by name, in file order. */
export type StateDict = Map<string, StateDictEntry>;
