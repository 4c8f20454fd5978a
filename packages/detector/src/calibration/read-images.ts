import type { EventListener } from '@dskd/base';
import {
  datasetError,
  digestOfPixels,
  type DatasetProblem,
  type PreparedImages,
  type Sample,
} from '@dskd/data';
import { readTestImages, type TestImagesToRead } from '../evaluation/read-test-images.js';

/** Images that are about to be used. */
export interface ImagesToRead {
  readonly samples: readonly Pick<Sample, 'id'>[];
  /** Of these samples. */
  readonly prepared: PreparedImages;
}

export interface ReadImagesOptions {
  /** Name of the dataset, for the error. */
  readonly name: string;
  /** Images that the result will be judged on: they are read last, and not kept. */
  readonly tests?: TestImagesToRead | undefined;
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
  { name, tests, onEvent, signal }: ReadImagesOptions,
): Promise<string[][]> {
  const total = [...lists, ...(tests ? [tests] : [])].reduce((sum, { samples }) => sum + samples.length, 0);
  const problems: DatasetProblem[] = [];
  const hashes: string[][] = [];
  let done = 0;
  const tell = (id: string): void => onEvent?.({ type: 'image-read', id, done: ++done, total });
  for (const { samples, prepared } of lists) {
    const ofList: string[] = [];
    const found = await prepared.readAll({
      ...(signal && { signal }),
      onRead: async (index, pixels) => {
        ofList[index] = (await digestOfPixels(pixels)).slice(0, DIGITS);
        tell(samples[index]!.id);
      },
    });
    problems.push(...found);
    hashes.push(ofList);
  }
  if (tests) problems.push(...(await readTestImages(tests, { onRead: ({ id }) => tell(id), signal })));
  if (problems.length > 0) throw datasetError(name, problems);
  return hashes;
}
