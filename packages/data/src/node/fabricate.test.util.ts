import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import type { DskdError } from '@dskd/base';
import type { DatasetProblem } from '../samples.js';

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8 + body.length);
  frame.writeUInt32BE(data.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), 4 + body.length);
  return frame;
}

export interface PngOptions {
  readonly width: number;
  readonly height: number;
  /** 0 gray, 2 RGB, 3 palette, 4 gray + alpha, 6 RGBA. */
  readonly colorType: 0 | 2 | 3 | 4 | 6;
  readonly bitDepth: 1 | 8 | 16;
  /** Rows as stored in the file, without filter bytes. */
  readonly rows: readonly (readonly number[])[];
  /** Extra chunks, written between IHDR and IDAT. */
  readonly chunks?: readonly (readonly [type: string, data: Uint8Array])[];
}

/**
 * Writes a PNG without sharp, so that the expected result of decoding is known exactly. 16-bit samples are given as
 * whole numbers.
 */
export function makePng({ width, height, colorType, bitDepth, rows, chunks = [] }: PngOptions): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bitDepth, colorType, 0, 0, 0], 8);
  const bytes = rows.flatMap((row) => [
    0,
    ...(bitDepth === 16 ? row.flatMap((value) => [value >> 8, value & 255]) : row),
  ]);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    ...chunks.map(([type, data]) => chunk(type, data)),
    chunk('IDAT', deflateSync(Buffer.from(bytes))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

export interface TiffPage {
  readonly width: number;
  readonly height: number;
  readonly bits: 8 | 16 | 32;
  /** 1 gray, 3 RGB, 4 RGB and alpha; with `extra` any number. */
  readonly samples: number;
  /** Says that the colors are gray, whatever the number of samples. */
  readonly gray?: boolean;
  /** What the samples after the colors are: 0 unspecified, 1 alpha that the colors were multiplied by, 2 alpha. */
  readonly extra?: readonly number[];
  /** Interleaved samples of `bits` bits each; 32 bits are floating point. */
  readonly values: readonly number[];
  readonly deflate?: boolean;
  /** EXIF orientation. */
  readonly orientation?: number;
}

/** Writes a TIFF without sharp: little-endian, one strip per page. */
export function makeTiff(pages: readonly TiffPage[]): Buffer {
  const parts: Buffer[] = [Buffer.from('II*\0\0\0\0\0', 'latin1')];
  let length = 8;
  const add = (part: Buffer): number => {
    const at = length;
    parts.push(part);
    length += part.length;
    return at;
  };
  const longs = (values: readonly number[]): Buffer => {
    const part = Buffer.alloc(values.length * 4);
    values.forEach((value, index) => part.writeUInt32LE(value, index * 4));
    return part;
  };
  let link = { part: parts[0]!, at: 4 };
  for (const page of pages) {
    const { width, height, bits, samples, values, deflate = false, orientation = 1 } = page;
    const { gray = samples === 1, extra = samples === 4 ? [2] : [] } = page;
    const pixels = Buffer.alloc((values.length * bits) / 8);
    values.forEach((value, index) => {
      if (bits === 8) pixels.writeUInt8(value, index);
      else if (bits === 16) pixels.writeUInt16LE(value, index * 2);
      else pixels.writeFloatLE(value, index * 4);
    });
    const strip = deflate ? deflateSync(pixels) : pixels;
    const stripAt = add(strip);
    const perSample = Array<number>(samples).fill(bits);
    const bitsAt = samples === 1 ? bits : add(longs(perSample));
    const tags: [tag: number, count: number, value: number][] = [
      [256, 1, width],
      [257, 1, height],
      [258, samples, bitsAt],
      [259, 1, deflate ? 8 : 1],
      [262, 1, gray ? 1 : 2], // photometric interpretation: gray (0 is black) or RGB
      [273, 1, stripAt],
      [274, 1, orientation],
      [277, 1, samples],
      [278, 1, height], // rows per strip
      [279, 1, strip.length],
    ];
    if (extra.length > 0) tags.push([338, extra.length, extra.length === 1 ? extra[0]! : add(longs(extra))]);
    if (bits === 32) tags.push([339, 1, 3]); // floating point
    const directory = Buffer.alloc(2 + tags.length * 12 + 4);
    directory.writeUInt16LE(tags.length, 0);
    tags.forEach(([tag, count, value], index) => {
      const at = 2 + index * 12;
      directory.writeUInt16LE(tag, at);
      directory.writeUInt16LE(4, at + 2); // 32-bit numbers
      directory.writeUInt32LE(count, at + 4);
      directory.writeUInt32LE(value, at + 8);
    });
    link.part.writeUInt32LE(add(directory), link.at);
    link = { part: directory, at: directory.length - 4 };
  }
  return Buffer.concat(parts);
}

/** An RGB image of one color. */
export function plainPng(width: number, height: number, [r, g, b]: readonly number[]): Buffer {
  const row = Array.from({ length: width }, () => [r!, g!, b!]).flat();
  return makePng({
    width,
    height,
    colorType: 2,
    bitDepth: 8,
    rows: Array.from({ length: height }, () => row),
  });
}

/** A gray mask with one anomalous pixel. */
export function maskPng(width: number, height: number): Buffer {
  const rows = Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => (x + y ? 0 : 255)),
  );
  return makePng({ width, height, colorType: 0, bitDepth: 8, rows });
}

export interface TemporaryFolder {
  readonly root: string;
  /** Writes files by their path relative to the root; `undefined` makes a folder. */
  write(files: Readonly<Record<string, Uint8Array | string | undefined>>): Promise<void>;
  remove(): Promise<void>;
}

/** Creates an empty folder in the system's temporary folder. */
export async function temporaryFolder(): Promise<TemporaryFolder> {
  const root = await mkdtemp(path.join(tmpdir(), 'dskd-data-'));
  return {
    root,
    async write(files) {
      for (const [name, content] of Object.entries(files)) {
        const file = path.join(root, name);
        await mkdir(content === undefined ? file : path.dirname(file), { recursive: true });
        if (content !== undefined) await writeFile(file, content);
      }
    },
    remove: () => rm(root, { recursive: true }),
  };
}

/** Returns the error that `work` rejects with. */
export async function errorOf(work: Promise<unknown>): Promise<DskdError> {
  return work.then(
    () => {
      throw new Error('Nothing was thrown.');
    },
    (error: unknown) => error as DskdError,
  );
}

/** Problems of a `dataset-invalid` error as `path: problem`. */
export function problemsOf(error: DskdError): string[] {
  expect(error.code).toBe('dataset-invalid');
  return (error.details.problems as DatasetProblem[]).map(({ path, problem }) => `${path}: ${problem}`);
}
