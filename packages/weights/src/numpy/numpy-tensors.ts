import { elementBytes } from '../element-arrays.js';
import { invalidWeights, quoted } from '../invalid-weights.js';
import type { MemoryLimit } from '../memory-limit.js';
import { StoredTensor, type TensorStorage } from '../stored-tensor.js';
import { readEntry, readEntryStart, verifyStored } from '../zip/read-entry.js';
import type { ZipArchive, ZipEntry } from '../zip/zip-archive.js';
import { NPY_START_BYTES, readNpyHeader, type NpyHeader } from './npy-header.js';

const WHAT = 'NumPy array';

/** Strides of neighboring elements along the last axis, or along the first. */
function stridesOf(shape: readonly number[], fortranOrder: boolean): number[] {
  const strides = new Array<number>(shape.length);
  const axes = [...shape.keys()];
  let stride = 1;
  for (const axis of fortranOrder ? axes : axes.reverse()) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

function tensorOf(
  what: string,
  header: NpyHeader,
  fileBytes: number,
  read: TensorStorage['read'],
): StoredTensor {
  const { dtype, shape, fortranOrder, bigEndian, dataStart } = header;
  const byteLength = fileBytes - dataStart;
  const wanted = shape.includes(0) ? 0 : shape.reduce((product, side) => product * side, elementBytes(dtype));
  if (wanted !== byteLength) {
    throw invalidWeights(
      what,
      `${byteLength} bytes follow its header; wanted ${wanted} for ${dtype} [${shape.join(', ')}].`,
    );
  }
  // An empty array's sides can be of any length: its strides must not matter.
  const strides = wanted === 0 ? shape.map(() => 1) : stridesOf(shape, fortranOrder);
  return new StoredTensor(what, {
    dtype,
    shape,
    strides,
    offset: 0,
    storage: { byteLength, read },
    bigEndian,
  });
}

/**
 * The array in an `.npy` file. It has no name: it gets the one that `numpy.savez` would give it.
 * @throws {DskdError} `weights-invalid`
 */
export function readNpy(bytes: Uint8Array): Map<string, StoredTensor> {
  const header = readNpyHeader(bytes.subarray(0, NPY_START_BYTES), WHAT);
  const read = () => ({ bytes: bytes.subarray(header.dataStart), owned: false });
  return new Map([['arr_0', tensorOf(WHAT, header, bytes.byteLength, read)]]);
}

const EXTENSION = '.npy';

/** Whether the archive is what `numpy.savez` writes: arrays and nothing else. */
export function isNpz(archive: ZipArchive): boolean {
  const names = [...archive.entries.keys()];
  return names.length > 0 && names.every((name) => name.endsWith(EXTENSION));
}

function readArray(archive: ZipArchive, entry: ZipEntry): StoredTensor {
  const what = `${WHAT} ${quoted(entry.name)}`;
  const header = readNpyHeader(readEntryStart(archive, entry, NPY_START_BYTES), what);
  return tensorOf(what, header, entry.size, (limit) => {
    verifyStored(archive, entry);
    return readEntry(archive, entry, limit, header.dataStart);
  });
}

/**
 * The arrays of an `.npz` archive by name, in file order.
 * @throws {DskdError} `weights-invalid`, naming the array; `weights-too-large`
 */
export function readNpz(archive: ZipArchive, limit: MemoryLimit): Map<string, StoredTensor> {
  const arrays = new Map<string, StoredTensor>();
  let total = 0;
  for (const entry of archive.entries.values()) {
    const array = readArray(archive, entry);
    // At once: a bomb of many entries would be inflated for their headers alone.
    total += array.byteLength;
    limit.check(total);
    arrays.set(entry.name.slice(0, -EXTENSION.length), array);
  }
  return arrays;
}
