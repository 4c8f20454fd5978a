import { elementBytes, type TensorStorage } from '../stored-tensor.js';
import { invalidWeights } from '../byte-reader.js';
import { PickleGlobal } from '../pickle/pickle-machine.js';
import type { StateDictType } from '../types.js';

export const TORCH_FILE = 'PyTorch file';

/** `torch.FloatStorage` and its like, or `torch.float32` and its like. */
export class TorchType extends PickleGlobal {
  readonly kind: 'storage' | 'element';
  readonly dtype: StateDictType;

  constructor(name: string, kind: 'storage' | 'element', dtype: StateDictType) {
    super(name);
    this.kind = kind;
    this.dtype = dtype;
  }

  /** @throws {DskdError} `weights-invalid` where `count` is no number of elements. */
  bytesOf(count: unknown): number {
    if (!Number.isSafeInteger(count) || (count as number) < 0) {
      throw invalidWeights(TORCH_FILE, 'a storage has a length or a start that is no count.');
    }
    return (count as number) * elementBytes(this.dtype);
  }
}

/** What a persistent id stands for. */
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
  // Counts bytes; its tensors bring their type along.
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

/** Types of torch that nothing here can hold. */
export const NO_COUNTERPART =
  /^torch\.(Complex\w*Storage|Q\w*Storage|complex\d+|q\w*int\w*|u?int[1-7]|bits\w+|float[48]\w*)$/;

/** What a pickle says of a storage that lies outside it. */
export interface StorageId {
  readonly type: TorchType;
  readonly key: string;
  readonly byteLength: number;
  /** Of files before PyTorch 0.4: the part of the storage that is meant. */
  readonly view: unknown;
}

/** `('storage', type, key, location, count)` and, in the legacy format, a view. */
export function storageId(id: unknown): StorageId {
  const [kind, type, key, , count, view] = Array.isArray(id) ? (id as unknown[]) : [];
  if (
    kind !== 'storage' ||
    !(type instanceof TorchType) ||
    type.kind !== 'storage' ||
    typeof key !== 'string'
  ) {
    throw invalidWeights(TORCH_FILE, 'its pickle refers to something outside it that is no storage.');
  }
  return { type, key, byteLength: type.bytesOf(count), view };
}
