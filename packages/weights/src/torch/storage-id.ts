import { invalidWeights } from '../invalid-weights.js';
import { TORCH_FILE, TorchType } from './torch-types.js';

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
