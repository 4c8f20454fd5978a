import { bytesOf, type ExternalPlace } from './graph/encode.js';
import type { Constant, Graph } from './graph/graph.js';

// Values in a file beside the model, as ONNX has them for models of 2 GiB and more (`external_data`). The first page of our file
// says whose values they are, so that a model is not computed with those of another export; the metadata of the model say it, too.

/** What a model says of the file with its values. */
export interface ExternalData {
  /** Its name, in the folder of the model. */
  readonly location: string;
  readonly bytes: number;
  /** Of the values, in hexadecimal digits. */
  readonly sha256: string;
}

/** ONNX recommends it: a system maps files into memory by pages. */
const PAGE = 4096;
/** Smaller ones stay in the model: ONNX needs those that are sizes, such as the shape of `Reshape`, to know shapes. */
const LEAST_BYTES = 1024;

const toPage = (bytes: number): number => Math.ceil(bytes / PAGE) * PAGE;

/** Values outside of a model. */
export interface OutsideValues {
  /** By the name of a constant, in the order of the file. */
  readonly places: ReadonlyMap<string, ExternalPlace>;
  /** Of the whole file. */
  readonly bytes: number;
}

/** Places the large constants of a graph into a file. */
export function placeOutside({ constants }: Graph, location: string): OutsideValues {
  const places = new Map<string, ExternalPlace>();
  let end = PAGE;
  for (const [name, { data }] of constants) {
    if (data.byteLength < LEAST_BYTES) continue;
    const offset = toPage(end);
    places.set(name, { location, offset, length: data.byteLength });
    end = offset + data.byteLength;
  }
  return { places, bytes: end };
}

/** How the first page of a file begins. */
export function firstLine({ sha256 }: Pick<ExternalData, 'sha256'>): string {
  return `dskd external data ${sha256}\n`;
}

/** Bytes of the first line. */
export const FIRST_LINE_BYTES = firstLine({ sha256: '0'.repeat(64) }).length;

/** The pieces of the file, one after another. */
export function* piecesOf(
  places: OutsideValues['places'],
  constants: ReadonlyMap<string, Constant>,
  sha256: string,
): Generator<Uint8Array> {
  const first = new Uint8Array(PAGE);
  first.set(new TextEncoder().encode(firstLine({ sha256 })));
  yield first;
  let end = PAGE;
  for (const [name, { offset, length }] of places) {
    if (offset > end) yield new Uint8Array(offset - end);
    yield* slicesOf(bytesOf(constants.get(name)!));
    end = offset + length;
  }
}

/** Systems write less than 2 GiB at a time. */
const MOST_AT_A_TIME = 2 ** 26;

/** Parts of an array that are written at a time. */
export function* slicesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += MOST_AT_A_TIME) yield bytes.subarray(at, at + MOST_AT_A_TIME);
}
