import { DskdError } from '@dskd/base';
import { FIRST_LINE_BYTES, firstLine, type ExternalData } from '../external-data.js';

// In Node only: imported by variables, so that bundlers for browsers do not follow them.
const FS = 'node:fs/promises';
const PATH = 'node:path';

/** @throws {DskdError} `file-not-found` */
export async function readModelFile(file: string): Promise<Uint8Array> {
  const { readFile } = (await import(/* @vite-ignore */ FS)) as typeof import('node:fs/promises');
  return readFile(file).catch((cause: unknown) => {
    throw new DskdError('file-not-found', `Cannot read ${file}.`, {
      hint: 'Give the path of an .onnx file, or its bytes.',
      details: { path: file },
      cause,
    });
  });
}

/**
 * Checks that the file with the values of a model is there, whole, and of the same export.
 * @param file path of the model.
 * @throws {DskdError} `file-not-found`, `artifact-invalid`
 */
export async function assertExternalData(file: string, wanted: ExternalData): Promise<void> {
  const { open } = (await import(/* @vite-ignore */ FS)) as typeof import('node:fs/promises');
  const path = (await import(/* @vite-ignore */ PATH)) as typeof import('node:path');
  const data = path.join(path.dirname(file), wanted.location);
  const details = { path: data, model: file };
  const hint =
    'Keep both files in one folder, under the names that they were written with; or export the model again.';
  const handle = await open(data).catch((cause: unknown) => {
    throw new DskdError('file-not-found', `Cannot read ${data}, where the values of ${file} are.`, {
      hint,
      details,
      cause,
    });
  });
  try {
    const { size } = await handle.stat();
    const { buffer } = await handle.read(Buffer.alloc(FIRST_LINE_BYTES), 0, FIRST_LINE_BYTES, 0);
    if (buffer.toString('latin1') !== firstLine(wanted)) {
      throw new DskdError(
        'artifact-invalid',
        `${data} does not hold the values of ${file}: one of both is of another export.`,
        { hint, details },
      );
    }
    if (size === wanted.bytes) return;
    throw new DskdError(
      'artifact-invalid',
      `${data} has ${size} bytes; wanted ${wanted.bytes}: it is cut off.`,
      {
        hint,
        details,
      },
    );
  } finally {
    await handle.close();
  }
}
