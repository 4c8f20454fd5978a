import { DskdError } from '@dskd/base';
import { decodeTensors } from './stored-tensor.js';
import { invalidWeights, quoted } from './byte-reader.js';
import { MemoryLimit } from './memory-limit.js';
import { isNpy, isNpz, readNpy, readNpz } from './numpy/numpy-tensors.js';
import { readSafetensors } from './safetensors.js';
import { readTorchLegacy } from './torch/torch-legacy.js';
import { isTorchZip, readTorchZip } from './torch/torch-zip.js';
import type { StateDict } from './types.js';
import { findStateDict, withoutPrefixes } from './unwrap.js';
import { openZip } from './zip/zip-archive.js';

export interface ReadStateDictOptions {
  /**
   * Limit for the memory of the tensors and of inflated data, in bytes. Default 2 GiB. The objects in the pickle of a
   * PyTorch file have a separate limit of 64 MiB.
   */
  readonly maxBytes?: number;
  /**
   * `true`: read the state dict in the entry `state_dict`, `model_state_dict` or `model` of a checkpoint, and remove a
   * prefix that all names have (`module.`, `_orig_mod.`). A name: do the same inside the entry with this name. By
   * default names are not changed, and a checkpoint gives an error that lists its contents.
   */
  readonly unwrap?: boolean | string;
}

function startsWith(bytes: Uint8Array, ...signature: number[]): boolean {
  return signature.every((byte, index) => bytes[index] === byte);
}

type Format = 'safetensors' | 'npy' | 'zip' | 'pickle';

function formatOf(bytes: Uint8Array): Format {
  if (isNpy(bytes)) return 'npy';
  // The first 8 bytes of a safetensors file are the length of the header, the next one is a brace.
  if (bytes[8] === 0x7b) return 'safetensors';
  if (startsWith(bytes, 0x50, 0x4b)) return 'zip';
  if (startsWith(bytes, 0x80) && bytes[1]! >= 2 && bytes[1]! <= 5) return 'pickle';
  if (startsWith(bytes, 0x89, 0x48, 0x44, 0x46)) {
    throw new DskdError('weights-invalid', 'Got HDF5 (Keras weights), which is not supported.', {
      hint: 'Convert it in Python: safetensors.numpy.save_file({name: array}, path).',
    });
  }
  return 'safetensors';
}

function readZip(bytes: Uint8Array, limit: MemoryLimit, unwrap: boolean | string): StateDict {
  const archive = openZip(bytes);
  if (isTorchZip(archive)) return decodeTensors(findStateDict(readTorchZip(archive, limit), unwrap), limit);
  if (isNpz(archive)) return decodeTensors(readNpz(archive, limit), limit);
  const names = [...archive.entries.keys()].slice(0, 5).map(quoted);
  throw invalidWeights('weight file', `it is a zip archive of ${names.join(', ') || 'no files'}.`, {
    hint: "Expected PyTorch's .pth (with a data.pkl) or NumPy's .npz (with .npy files only).",
  });
}

function read(bytes: Uint8Array, limit: MemoryLimit, unwrap: boolean | string): StateDict {
  switch (formatOf(bytes)) {
    case 'zip':
      return readZip(bytes, limit, unwrap);
    case 'pickle':
      return decodeTensors(findStateDict(readTorchLegacy(bytes), unwrap), limit);
    case 'npy':
      return decodeTensors(readNpy(bytes), limit);
    case 'safetensors':
      return readSafetensors(bytes, { maxBytes: limit.maxBytes }).tensors;
  }
}

/**
 * Reads the tensors of a weight file and detects its format: safetensors, PyTorch's `.pth` (zip, or the legacy format
 * before 1.6), NumPy's `.npz` and `.npy` (whose only array gets the name `arr_0`). Nothing in the file is executed. The
 * tensors are copies, so `bytes` can be released.
 * @throws {DskdError} `weights-invalid` with the problem; `weights-too-large` if more than `maxBytes` are needed,
 * before they are allocated; `out-of-memory` if the allocation fails; `invalid-argument` for an invalid `maxBytes`
 */
export function readStateDict(bytes: Uint8Array, options: ReadStateDictOptions = {}): StateDict {
  const { unwrap = false } = options;
  const tensors = read(bytes, new MemoryLimit(options.maxBytes), unwrap);
  return unwrap === false ? tensors : withoutPrefixes(tensors);
}
