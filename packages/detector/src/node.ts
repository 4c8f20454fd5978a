import { readFile } from 'node:fs/promises';
import { DskdError } from '@dskd/base';
import { writeFileAtomically } from '@dskd/data/node';
import { loadDetector, type LoadOptions } from './artifact/load-detector.js';
import type { Detector, SaveOptions } from './inference/detector.js';

export { predictFiles } from './node/predict-files.js';

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new DskdError('file-not-found', `Cannot read ${path}.`, {
      cause,
      hint: 'Check the path and its permissions.',
    });
  }
}

/** {@link loadDetector} from a file. */
export async function loadDetectorFile(path: string, options: LoadOptions = {}): Promise<Detector> {
  return loadDetector(await read(path), options);
}

/** Writes the artifact to a temporary file beside `path`, then renames it. */
export async function saveDetectorFile(
  detector: Detector,
  path: string,
  options: SaveOptions = {},
): Promise<void> {
  await writeFileAtomically(path, detector.save(options));
}
