import { elementBytes, type TensorStorage } from '../stored-tensor.js';
import { invalidWeights } from '../byte-reader.js';
import { OpaqueGlobal, PickleGlobal } from '../pickle/pickle-global.js';
import type { StateDictType } from '../types.js';

export const TORCH_FILE = 'PyTorch file';

/** A type of storages, such as `torch.FloatStorage`, or of elements, such as `torch.float32`. */
export class TorchType extends PickleGlobal {
  readonly kind: 'storage' | 'element';
  readonly dtype: StateDictType;

  constructor(name: string, kind: 'storage' | 'element', dtype: StateDictType) {
    super(name);
    this.kind = kind;
    this.dtype = dtype;
  }

  /**
   * Returns the size of `count` elements in bytes.
   * @throws {DskdError} `weights-invalid` if `count` is not an integer, or negative
   */
  bytesOf(count: unknown): number {
    if (!Number.isSafeInteger(count) || (count as number) < 0) {
      throw invalidWeights(TORCH_FILE, 'a storage has an invalid length or start.');
    }
    return (count as number) * elementBytes(this.dtype);
  }
}

/** The object to which a persistent id refers. */
export class TorchStorage implements TensorStorage {
  readonly type: TorchType;
  readonly byteLength: number;
  readonly read: TensorStorage['read'];

  constructor(type: TorchType, byteLength: number, read: TensorStorage['read']) {
    this.type = type;
    this.byteLength = byteLength;
    this.read = read;
  }
}

const STORAGES: Readonly<Record<string, StateDictType>> = {
  'torch.DoubleStorage': 'F64',
  'torch.FloatStorage': 'F32',
  'torch.HalfStorage': 'F16',
  'torch.BFloat16Storage': 'BF16',
  'torch.LongStorage': 'I64',
  'torch.IntStorage': 'I32',
  'torch.ShortStorage': 'I16',
  'torch.CharStorage': 'I8',
  'torch.ByteStorage': 'U8',
  'torch.BoolStorage': 'BOOL',
  // Its length is in bytes. Each of its tensors has an element type of its own.
  'torch.storage.UntypedStorage': 'U8',
};

const ELEMENTS: Readonly<Record<string, StateDictType>> = {
  'torch.float64': 'F64',
  'torch.float32': 'F32',
  'torch.float16': 'F16',
  'torch.bfloat16': 'BF16',
  'torch.int64': 'I64',
  'torch.int32': 'I32',
  'torch.int16': 'I16',
  'torch.int8': 'I8',
  'torch.uint8': 'U8',
  'torch.uint16': 'U16',
  'torch.uint32': 'U32',
  'torch.uint64': 'U64',
  'torch.bool': 'BOOL',
};

export const TORCH_TYPES: readonly TorchType[] = [
  ...Object.entries(STORAGES).map(([name, dtype]) => new TorchType(name, 'storage', dtype)),
  ...Object.entries(ELEMENTS).map(([name, dtype]) => new TorchType(name, 'element', dtype)),
];

/** Types of torch that are not supported. */
export const NO_COUNTERPART =
  /^torch\.(Complex\w*Storage|Q\w*Storage|complex\d+|q\w*int\w*|u?int[1-7]|bits\w+|float[48]\w*)$/;

/** Reference of a pickle to a storage. */
export interface StorageId {
  readonly type: TorchType;
  readonly key: string;
  readonly byteLength: number;
  /** Part of the storage, in files of PyTorch before 0.4. */
  readonly view: unknown;
}

/**
 * The class of a module, which the legacy format stores with its source, `('module', class, file, source)`. It is not known
 * here, and its source is not looked at.
 * @returns undefined for other persistent ids.
 */
export function moduleClass(id: unknown): OpaqueGlobal | undefined {
  const [kind, type] = Array.isArray(id) ? (id as unknown[]) : [];
  return kind === 'module' && type instanceof OpaqueGlobal ? type : undefined;
}

/**
 * Parses a persistent id, the tuple `('storage', type, key, location, count)` and, in the legacy format, a view.
 * @throws {DskdError} `weights-invalid`
 */
export function storageId(id: unknown): StorageId {
  const [kind, type, key, , count, view] = Array.isArray(id) ? (id as unknown[]) : [];
  if (
    kind !== 'storage' ||
    !(type instanceof TorchType) ||
    type.kind !== 'storage' ||
    typeof key !== 'string'
  ) {
    throw invalidWeights(TORCH_FILE, 'its pickle has a persistent id that is not a storage.');
  }
  return { type, key, byteLength: type.bytesOf(count), view };
}
