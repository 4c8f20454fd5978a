import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import type { DskdError } from '@dskd/base';
import type { DatasetProblem } from './problems.js';

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
  /** 0 grey, 2 RGB, 3 palette, 4 grey + alpha, 6 RGBA. */
  readonly colourType: 0 | 2 | 3 | 4 | 6;
  readonly bitDepth: 1 | 8 | 16;
  /** Rows as they stand in the file, without filter bytes. */
  readonly rows: readonly (readonly number[])[];
  /** Between IHDR and IDAT. */
  readonly chunks?: readonly (readonly [type: string, data: Uint8Array])[];
}

/** A PNG written without sharp: what decoding must give is known byte by byte. 16-bit values are given whole. */
export function makePng({ width, height, colourType, bitDepth, rows, chunks = [] }: PngOptions): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bitDepth, colourType, 0, 0, 0], 8);
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

/** An RGB picture of one colour. */
export function plainPng(width: number, height: number, [r, g, b]: readonly number[]): Buffer {
  const row = Array.from({ length: width }, () => [r!, g!, b!]).flat();
  return makePng({
    width,
    height,
    colourType: 2,
    bitDepth: 8,
    rows: Array.from({ length: height }, () => row),
  });
}

/** A grey mask with one anomalous pixel. */
export function maskPng(width: number, height: number): Buffer {
  const rows = Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => (x + y ? 0 : 255)),
  );
  return makePng({ width, height, colourType: 0, bitDepth: 8, rows });
}

export interface TemporaryFolder {
  readonly root: string;
  /** Writes files by their path relative to the root; `undefined` makes a folder. */
  write(files: Readonly<Record<string, Uint8Array | string | undefined>>): Promise<void>;
  remove(): Promise<void>;
}

/** A folder of its own under the system's temporary folder. */
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

/** What `work` rejects with. */
export async function errorOf(work: Promise<unknown>): Promise<DskdError> {
  return work.then(
    () => {
      throw new Error('Nothing was thrown.');
    },
    (error: unknown) => error as DskdError,
  );
}

/** The problems of a `dataset-invalid` error as `path: problem`. */
export function problemsOf(error: DskdError): string[] {
  expect(error.code).toBe('dataset-invalid');
  return (error.details.problems as DatasetProblem[]).map(({ path, problem }) => `${path}: ${problem}`);
}
