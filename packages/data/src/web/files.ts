import { isDskdError, throwIfAborted } from '@dskd/base';
import { sha256, sourceOf } from '../fingerprint.js';
import { isHeatMap, isPassedOver, kindByName, refusal } from '../image-format.js';
import { byCodeUnit, datasetError, type DatasetProblem, type ImageSource, type Sample } from '../samples.js';
import { decodeImage, readableFormat } from './decode.js';

export interface OpenFilesOptions {
  /** Name of the source. Default `'files'`. */
  readonly name?: string;
  readonly signal?: AbortSignal;
}

/** Path of a file in the folder that the user chose, or its name. */
function pathOf(file: File): string {
  return file.webkitRelativePath || file.name;
}

async function sampleOf(file: File): Promise<Sample> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  readableFormat(bytes, pathOf(file));
  return {
    id: pathOf(file),
    split: 'train',
    label: 'good',
    defectType: 'good',
    origin: { sha256: await sha256(bytes) },
    load: (options) => decodeImage(file, options),
  };
}

/**
 * Opens files that the user chose or dropped, images of good parts: all are `train`, `good`. The same names as in
 * `openSource` of `@dskd/data/node` are ignored or refused. The first bytes and the container structure of each image
 * are checked.
 * @throws {DskdError} `dataset-invalid` with all problems in `details.problems`; `dependency-missing`, `aborted`
 */
export async function openFiles(
  files: Iterable<File>,
  { name = 'files', signal }: OpenFilesOptions = {},
): Promise<ImageSource> {
  const samples: Sample[] = [];
  const problems: DatasetProblem[] = [];
  const seen = new Set<string>();
  for (const file of files) {
    throwIfAborted(signal);
    const path = pathOf(file);
    const kind = kindByName(path);
    if (kind === 'other' || isHeatMap(path) || path.split('/').some(isPassedOver)) continue;
    if (seen.has(path)) problems.push({ path, problem: 'two files have this path' });
    else if (kind === 'refused') problems.push({ path, problem: refusal(path) });
    else {
      try {
        samples.push(await sampleOf(file));
      } catch (error) {
        if (!isDskdError(error, 'image-unreadable')) throw error;
        problems.push({ path, problem: String(error.details.problem) });
      }
    }
    seen.add(path);
  }
  if (seen.size === 0) problems.push({ path: name, problem: 'no images among the files' });
  if (problems.length > 0) throw datasetError(name, problems);
  return sourceOf(
    name,
    samples.sort((a, b) => byCodeUnit(a.id, b.id)),
  );
}
