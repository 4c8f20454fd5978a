import type { EventListener } from '@dskd/base';
import {
  datasetError,
  digestOfPixels,
  type DatasetProblem,
  type PreparedImages,
  type Sample,
} from '@dskd/data';

/** Images that are about to be used. */
export interface ImagesToRead {
  readonly samples: readonly Pick<Sample, 'id'>[];
  /** Of these samples. */
  readonly prepared: PreparedImages;
}

export interface ReadImagesOptions {
  /** Name of the dataset, for the error. */
  readonly name: string;
  readonly onEvent?: EventListener | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Hexadecimal digits kept of an image's hash: 64 bits, so that two of a million images are alike by chance once in 37 million times. */
const DIGITS = 16;

/**
 * Reads images once before anything is computed with them, so that a damaged one is found now and not after an hour.
 * @returns of each list a hash of each image as the network sees it, without a letterbox's border; in the order of the samples.
 * @throws {DskdError} `dataset-invalid` with all images that cannot be used in `details.problems`; `aborted`,
 * `dependency-missing`.
 */
export async function readImages(
  lists: readonly ImagesToRead[],
  { name, onEvent, signal }: ReadImagesOptions,
): Promise<string[][]> {
  const total = lists.reduce((sum, { samples }) => sum + samples.length, 0);
  const problems: DatasetProblem[] = [];
  const hashes: string[][] = [];
  let done = 0;
  for (const { samples, prepared } of lists) {
    const ofList: string[] = [];
    const found = await prepared.readAll({
      ...(signal && { signal }),
      onRead: async (index, pixels) => {
        ofList[index] = (await digestOfPixels(pixels)).slice(0, DIGITS);
        done++;
        onEvent?.({ type: 'image-read', id: samples[index]!.id, done, total });
      },
    });
    problems.push(...found);
    hashes.push(ofList);
  }
  if (problems.length > 0) throw datasetError(name, problems);
  return hashes;
}
