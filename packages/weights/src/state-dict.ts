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
   * Most memory to take, in bytes: the tensors, and whatever else has to be inflated to get at them.
   * Default 2 GiB. The lists and names of a PyTorch file are bounded apart, by 64 MiB.
   */
  readonly maxBytes?: number;
  /**
   * `true`: the state dict may lie in an entry `state_dict`, `model_state_dict` or `model` of a checkpoint, and
   * a prefix that all names have (`module.`, `_orig_mod.`) is taken off. A name: start at that entry. By
   * default names are as they stand, and a checkpoint is an error that says what is in it.
   */
  readonly unwrap?: boolean | string;
}

function startsWith(bytes: Uint8Array, ...signature: number[]): boolean {
  return signature.every((byte, index) => bytes[index] === byte);
}

type Format = 'safetensors' | 'npy' | 'zip' | 'pickle';

function formatOf(bytes: Uint8Array): Format {
  if (isNpy(bytes)) return 'npy';
  // A safetensors file may begin with any byte, being the length of its header; its ninth is a brace.
  if (bytes[8] === 0x7b) return 'safetensors';
  if (startsWith(bytes, 0x50, 0x4b)) return 'zip';
  if (startsWith(bytes, 0x80) && bytes[1]! >= 2 && bytes[1]! <= 5) return 'pickle';
  if (startsWith(bytes, 0x89, 0x48, 0x44, 0x46)) {
    throw new DskdError('weights-invalid', 'Got HDF5 (Keras weights), which is not read.', {
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
  throw invalidWeights('weight file', `it is a zip archive of ${names.join(', ') || 'nothing'}.`, {
    hint: "Wanted PyTorch's .pth (with a data.pkl) or NumPy's .npz (with .npy files only).",
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
 * Reads the tensors of a weight file, whatever its format: safetensors, PyTorch's `.pth` (zip, or the stream
 * from before 1.6), NumPy's `.npz` and `.npy` (whose one array is called `arr_0`). Nothing in the file is executed.
 * Every tensor has data of its own; `bytes` can be dropped.
 * @throws {DskdError} `weights-invalid` naming what is wrong; `weights-too-large` above `maxBytes`, before
 * that memory is taken; `out-of-memory` where the machine has less; `invalid-argument`
 */
export function readStateDict(bytes: Uint8Array, options: ReadStateDictOptions = {}): StateDict {
  const { unwrap = false } = options;
  const tensors = read(bytes, new MemoryLimit(options.maxBytes), unwrap);
  return unwrap === false ? tensors : withoutPrefixes(tensors);
}
