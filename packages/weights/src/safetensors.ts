import { DskdError } from '@dskd/base';
import { ELEMENT_ARRAYS, elementBytes } from './stored-tensor.js';
import { invalidWeights } from './byte-reader.js';
import { MemoryLimit } from './memory-limit.js';
import type { StateDict, StateDictEntry, StateDictType } from './types.js';

/** Larger headers are not parsed. The largest models need a few megabytes. */
const MAX_HEADER_BYTES = 25_000_000;

function invalid(message: string, cause?: unknown): DskdError {
  return invalidWeights('safetensors file', message, { cause });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

export interface SafetensorsFile {
  readonly tensors: StateDict;
  /** The `__metadata__` entry; empty if there is none. */
  readonly metadata: Readonly<Record<string, string>>;
}

function parseHeader(bytes: Uint8Array): { header: Record<string, unknown>; dataStart: number } {
  if (bytes.byteLength < 8) throw invalid(`got ${bytes.byteLength} bytes, expected at least 8.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  if (headerLength > MAX_HEADER_BYTES || headerLength > bytes.byteLength - 8) {
    throw invalid(
      `the length of its header is ${headerLength} bytes; the file has ${bytes.byteLength - 8} bytes after the ` +
        `length, and the limit is ${MAX_HEADER_BYTES}.`,
    );
  }
  let header: unknown;
  try {
    header = JSON.parse(
      // Copied because a TextDecoder may reject shared memory.
      new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array(bytes.subarray(8, 8 + headerLength))),
    );
  } catch (cause) {
    throw invalid('its header is not JSON.', cause);
  }
  if (!isRecord(header)) throw invalid('its header is not an object.');
  return { header, dataStart: 8 + headerLength };
}

/** The `__metadata__` entry of a header. */
function metadataIn({ __metadata__: found = {} }: Record<string, unknown>): Record<string, string> {
  if (!isRecord(found) || !Object.values(found).every((value) => typeof value === 'string')) {
    throw invalid("'__metadata__' must map strings to strings.");
  }
  return found as Record<string, string>;
}

/**
 * Reads the metadata of a safetensors file, without its tensors, which are not checked.
 * @throws {DskdError} `weights-invalid`
 */
export function readSafetensorsMetadata(bytes: Uint8Array): Readonly<Record<string, string>> {
  return metadataIn(parseHeader(bytes).header);
}

interface Placed {
  readonly name: string;
  readonly dtype: StateDictType;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

function parseEntry(name: string, described: unknown): Placed {
  if (!isRecord(described)) throw invalid(`the entry of tensor '${name}' is not an object.`);
  const { dtype, shape, data_offsets: offsets } = described;
  if (typeof dtype !== 'string' || !Object.hasOwn(ELEMENT_ARRAYS, dtype)) {
    throw invalid(
      `tensor '${name}' has element type ${JSON.stringify(dtype)}; expected one of ${Object.keys(ELEMENT_ARRAYS).join(', ')}.`,
    );
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw invalid(`tensor '${name}' has the invalid shape ${JSON.stringify(shape)}.`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw invalid(`tensor '${name}' has the invalid offsets ${JSON.stringify(offsets)}.`);
  }
  const [start, end] = offsets as [number, number];
  const type = dtype as StateDictType;
  const byteLength = shape.reduce((product, side) => product * side, elementBytes(type));
  if (end - start !== byteLength) {
    throw invalid(
      `tensor '${name}' (${dtype} [${shape.join(', ')}]) has offsets ${start}..${end}; expected ${byteLength} bytes.`,
    );
  }
  return { name, dtype: type, shape, start, end };
}

/**
 * Returns the tensors in file order.
 * @throws {DskdError} `weights-invalid` if they do not fill the file without gaps or overlaps, as the format requires
 */
function inFileOrder(placed: Placed[], byteLength: number): Placed[] {
  placed.sort((a, b) => a.start - b.start || a.end - b.end);
  let position = 0;
  for (const { name, start, end } of placed) {
    if (start !== position) {
      throw invalid(
        `tensor '${name}' has offsets ${start}..${end} in ${byteLength} bytes; expected its start at ${position}.`,
      );
    }
    if (end > byteLength) {
      throw invalid(`tensor '${name}' has offsets ${start}..${end}, but there are only ${byteLength} bytes.`);
    }
    position = end;
  }
  if (position !== byteLength) {
    throw invalid(`its tensors end at byte ${position} of ${byteLength}.`);
  }
  return placed;
}

/**
 * Reads a safetensors file. The tensors are copies, so `bytes` can be released.
 * @param options `maxBytes`: largest size of all tensors in bytes, 2 GiB by default
 * @throws {DskdError} `weights-invalid`, with the name of the tensor and the problem; `weights-too-large`
 */
export function readSafetensors(
  bytes: Uint8Array,
  options: { readonly maxBytes?: number } = {},
): SafetensorsFile {
  const { header, dataStart } = parseHeader(bytes);
  const body = bytes.subarray(dataStart);
  // The tensors fill the rest of the file, which is checked below.
  new MemoryLimit(options.maxBytes).check(body.byteLength);
  const metadata = metadataIn(header);
  const placed = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, described]) => parseEntry(name, described));
  const tensors: StateDict = new Map();
  for (const { name, dtype, shape, start, end } of inFileOrder(placed, body.byteLength)) {
    // Copied because the bytes may be unaligned, and a view would keep the whole file in memory. `slice` of a Node
    // Buffer would return a view.
    tensors.set(name, {
      dtype,
      shape,
      data: new ELEMENT_ARRAYS[dtype](new Uint8Array(body.subarray(start, end)).buffer),
    });
  }
  return { tensors, metadata };
}

/**
 * Returns the bytes of a safetensors file with the tensors in the order of `entries`. The header is padded so that the
 * data start at a multiple of 8 bytes. The same entries and metadata give the same bytes.
 * @throws {DskdError} `invalid-argument` if data do not match their shape and type
 */
export function writeSafetensors(
  entries: ReadonlyMap<string, StateDictEntry>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  // Without a prototype, because a tensor may have the name '__proto__'.
  const header = Object.create(null) as Record<string, unknown>;
  if (entries.has('__metadata__')) {
    throw new DskdError(
      'invalid-argument',
      "A tensor cannot have the name '__metadata__', which the format reserves.",
    );
  }
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  let offset = 0;
  for (const [name, { dtype, shape, data }] of entries) {
    const length = shape.reduce((product, side) => product * side, 1);
    if (data.length !== length || data.BYTES_PER_ELEMENT !== elementBytes(dtype)) {
      throw new DskdError(
        'invalid-argument',
        `Tensor '${name}' has ${data.length} elements of ${data.BYTES_PER_ELEMENT} bytes; ` +
          `expected ${length} of ${dtype} for shape [${shape.join(', ')}].`,
      );
    }
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerLength = Math.ceil(json.byteLength / 8) * 8;
  const file = new Uint8Array(8 + headerLength + offset);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerLength), true);
  file.fill(0x20, 8, 8 + headerLength);
  file.set(json, 8);
  offset = 8 + headerLength;
  for (const { data } of entries.values()) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return file;
}
