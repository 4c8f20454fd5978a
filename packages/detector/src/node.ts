import { writeFileAtomically } from '@dskd/data/node';
import type { Detector, SaveOptions } from './inference/detector.js';

export { predictFiles } from './node/predict-files.js';

/** Writes the artifact to a temporary file beside `path`, then renames it. */
export async function saveDetectorFile(
  detector: Detector,
  path: string,
  options: SaveOptions = {},
): Promise<void> {
  await writeFileAtomically(path, detector.save(options));
}
