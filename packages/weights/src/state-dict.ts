import { DskdError } from '@dskd/base';
import { readSafetensors } from './safetensors.js';
import type { StateDict, StateDictEntry } from './types.js';

/** First bytes of formats that people have, and that are not read here. */
const OTHER_FORMATS: readonly (readonly [signature: readonly number[], format: string])[] = [
  [[0x50, 0x4b, 0x03, 0x04], "a zip archive: PyTorch's .pth or NumPy's .npz"],
  [[0x80, 0x02], "a pickle: PyTorch's .pth"],
  [[0x89, 0x48, 0x44, 0x46], 'HDF5: Keras weights'],
];

/**
 * Reads the tensors of a weight file, whatever its format (for now: safetensors).
 * @throws {DskdError} `weights-invalid`, naming the format it found where it knows it.
 */
export function readStateDict(bytes: Uint8Array): StateDict {
  const other = OTHER_FORMATS.find(
    // A safetensors file may begin with any byte, being the length of its header; its ninth is a brace.
    ([signature]) => bytes[8] !== 0x7b && signature.every((byte, index) => bytes[index] === byte),
  );
  if (other) {
    throw new DskdError('weights-invalid', `Got ${other[1]}; wanted a safetensors file.`, {
      hint: "Convert it: safetensors.torch.save_file(state_dict, 'weights.safetensors') in Python.",
    });
  }
  return readSafetensors(bytes).tensors;
}

function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The entry's elements as float32; its own array where it is F32 already (not a copy). */
export function toFloat32(entry: StateDictEntry): Float32Array {
  const { dtype, data } = entry;
  if (dtype === 'F32') return data as Float32Array;
  if (dtype === 'F16') return Float32Array.from(data as Uint16Array, halfToFloat);
  if (dtype === 'BF16') {
    const bits = Uint32Array.from(data as Uint16Array, (half) => half << 16);
    return new Float32Array(bits.buffer);
  }
  return Float32Array.from(data as ArrayLike<number | bigint>, Number);
}
