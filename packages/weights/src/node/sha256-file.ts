import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

export interface FileDigest {
  /** 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  readonly bytes: number;
}

/** Reads a file once, in pieces. Rejects with the file system's error. */
export async function sha256File(file: string, signal?: AbortSignal): Promise<FileDigest> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of createReadStream(file, { highWaterMark: 2 ** 20, ...(signal && { signal }) })) {
    hash.update(piece as Buffer);
    bytes += (piece as Buffer).byteLength;
  }
  return { sha256: hash.digest('hex'), bytes };
}
