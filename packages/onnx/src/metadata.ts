import { fromBinary } from '@bufbuild/protobuf';
import { base64, DskdError } from '@dskd/base';
import { readDescription, type DetectorDescription } from '@dskd/detector';
import { StringStringEntryProtoSchema } from 'onnx-buf';
import type { ExternalData } from './external-data.js';
import { readMessage } from './read-message.js';

// What the graph does not hold: how images are prepared, the threshold, calibration, where the model came from. It lies in the
// metadata of the file, as JSON, so that a threshold can change without another export.

/** The entry of `metadata_props` that holds the description of the detector. */
const DESCRIPTION = 'dskd';
/** The entry that holds the pixels that never count, as base64 of one byte a pixel. Left out where all count. */
const IGNORED = 'dskd.ignored';
/** The entry that describes the file with the values, as JSON. Left out where they are in the model. */
const EXTERNAL_DATA = 'dskd.data';
/** Number of the field `metadata_props` in ONNX's `ModelProto`. */
const METADATA_FIELD = 14;

/** What an exported file says of its detector. */
export interface ExportedDetector {
  readonly description: DetectorDescription;
  /** `height * width` of the network's input, 1 where pixels never count; null where all do. */
  readonly ignored: Uint8Array | null;
  /** The file beside it that holds its values; null where it holds them itself. */
  readonly externalData: ExternalData | null;
}

/** Thumbnails and names of training images stay behind: only explanations need them, and those need the model itself. */
export function metadataOf({
  description,
  ignored,
}: Pick<ExportedDetector, 'description' | 'ignored'>): Record<string, string> {
  const kept = { ...description, thumbnails: undefined, trainingImages: undefined };
  return {
    [DESCRIPTION]: JSON.stringify(kept),
    ...(ignored && { [IGNORED]: base64.encode(ignored) }),
  };
}

/** Adds where the values are. */
export function withExternalData(
  metadata: Readonly<Record<string, string>>,
  externalData: ExternalData,
): Record<string, string> {
  return { ...metadata, [EXTERNAL_DATA]: JSON.stringify(externalData) };
}

/** The texts of `metadata_props`, without reading the rest of the file. */
function entriesOf(bytes: Uint8Array): Map<string, string> {
  const entries = new Map<string, string>();
  readMessage(bytes, {
    [METADATA_FIELD](reader) {
      const { key, value } = fromBinary(StringStringEntryProtoSchema, reader.bytes());
      entries.set(key, value);
    },
  });
  return entries;
}

function invalid(message: string, cause?: unknown): DskdError {
  return new DskdError('artifact-invalid', message, {
    hint: 'Give a file that `dskd export` or `exportDetector` made.',
    ...(cause !== undefined && { cause }),
  });
}

/** A name without a folder: a file must not have others read that lie elsewhere. */
const FILE_NAME = /^(?!\.\.?$)[^/\\\0]{1,255}$/;

/** @throws {DskdError} `artifact-invalid` */
function externalDataIn(text: string | undefined): ExternalData | null {
  if (text === undefined) return null;
  let given: Partial<Record<keyof ExternalData, unknown>>;
  try {
    given = Object(JSON.parse(text)) as typeof given;
  } catch (error) {
    throw invalid('What the file says of its external data is not JSON.', error);
  }
  const { location, bytes, sha256 } = given;
  if (
    typeof location === 'string' &&
    FILE_NAME.test(location) &&
    Number.isSafeInteger(bytes) &&
    /^[0-9a-f]{64}$/.test(String(sha256))
  ) {
    return { location, bytes: bytes as number, sha256: String(sha256) };
  }
  throw invalid('What the file says of its external data is no name of a file with its bytes and SHA-256.');
}

/**
 * What an exported file says of its detector.
 * @param bytes of the `.onnx` file.
 * @throws {DskdError} `artifact-invalid` (no ONNX file, or none of dskd), `artifact-version`, `artifact-outdated`
 */
export function readExported(bytes: Uint8Array): ExportedDetector {
  let entries: Map<string, string>;
  try {
    entries = entriesOf(bytes);
  } catch (error) {
    throw invalid('The file is no ONNX file, or it is cut off.', error);
  }
  const text = entries.get(DESCRIPTION);
  if (text === undefined) throw invalid('The file is not an ONNX file of a dskd detector.');
  const { description } = readDescription(text);
  const packed = entries.get(IGNORED);
  const externalData = externalDataIn(entries.get(EXTERNAL_DATA));
  if (packed === undefined) return { description, ignored: null, externalData };
  const ignored = base64.decode(packed);
  const [height, width] = description.inputSize;
  if (ignored.length !== height * width) {
    throw invalid(`The file has an ignore mask of ${ignored.length} pixels; wanted ${height} x ${width}.`);
  }
  return { description, ignored, externalData };
}
