import { writeFileAtomically } from '@dskd/data/node';
import type { Detector, SaveOptions } from './inference/detector.js';

export { predictFiles } from './node/predict-files.js';

/**
 * Writes the artifact to a temporary file beside `path`, then renames it.
 * @param options.fallback folder that takes the file, under a new name, where it cannot be written to `path`: what took
 * hours to train is not lost to a full disk.
 * @throws {DskdError} `file-not-writable`, with the file in `fallback` in `details.savedTo`; as {@link Detector.save}.
 */
export async function saveDetectorFile(
  detector: Detector,
  path: string,
  { fallback, ...options }: SaveOptions & { readonly fallback?: string } = {},
): Promise<void> {
  await writeFileAtomically(path, detector.save(options), fallback === undefined ? {} : { fallback });
}
