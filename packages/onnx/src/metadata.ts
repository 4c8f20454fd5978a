import { fromBinary } from '@bufbuild/protobuf';
import { base64, DskdError } from '@dskd/base';
import { readDescription, type DetectorDescription } from '@dskd/detector';
import { StringStringEntryProtoSchema } from 'onnx-buf';
import { readMessage } from './read-message.js';

// What the graph does not hold: how images are prepared, the threshold, calibration, where the model came from. It lies in the
// metadata of the file, as JSON, so that a threshold can change without another export.

/** The entry of `metadata_props` that holds the description of the detector. */
const DESCRIPTION = 'dskd';
/** The entry that holds the pixels that never count, as base64 of one byte a pixel. Left out where all count. */
const IGNORED = 'dskd.ignored';
/** Number of the field `metadata_props` in ONNX's `ModelProto`. */
const METADATA_FIELD = 14;

/** What an exported file says of its detector. */
export interface ExportedDetector {
  readonly description: DetectorDescription;
  /** `height * width` of the network's input, 1 where pixels never count; null where all do. */
  readonly ignored: Uint8Array | null;
}

/** Thumbnails and names of training images stay behind: only explanations need them, and those need the model itself. */
export function metadataOf({ description, ignored }: ExportedDetector): Record<string, string> {
  const kept = { ...description, thumbnails: undefined, trainingImages: undefined };
  return {
    [DESCRIPTION]: JSON.stringify(kept),
    ...(ignored && { [IGNORED]: base64.encode(ignored) }),
  };
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
  if (packed === undefined) return { description, ignored: null };
  const ignored = base64.decode(packed);
  const [height, width] = description.inputSize;
  if (ignored.length !== height * width) {
    throw invalid(`The file has an ignore mask of ${ignored.length} pixels; wanted ${height} x ${width}.`);
  }
  return { description, ignored };
}
