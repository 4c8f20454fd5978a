import { readFile } from 'node:fs/promises';
import { DskdError } from '@dskd/base';

/** @throws {DskdError} `file-not-found`, whatever keeps the file from being read. */
export async function readWeightsFile(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: unknown) => {
    throw new DskdError('file-not-found', `Cannot read ${path}: ${(cause as Error).message}.`, { cause });
  });
}
