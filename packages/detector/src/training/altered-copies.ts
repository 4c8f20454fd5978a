import { DskdError } from '@dskd/base';
import { toImageTensor, type Placement, type PreparedImages } from '@dskd/data';
import type { Method } from '@dskd/methods';
import type { ImageSet } from '@dskd/training';
import type * as tf from '@tensorflow/tfjs-core';

/** Copies of each image where augmentation is given and their number is not. */
const DEFAULT_COPIES = 4;
const MOST_COPIES = 64;
/** Altered images that stand in for good ones where there is a single image. */
const STAND_INS = 8;

/**
 * How many altered copies of each image a method learns that looks at each image once.
 * @throws {DskdError} `invalid-config`
 */
export function copiesFor(
  { name, looksOnce = false }: Method,
  { copies, augmented }: { readonly copies: number | undefined; readonly augmented: boolean },
): number {
  if (copies === undefined) return looksOnce && augmented ? DEFAULT_COPIES : 0;
  if (!Number.isInteger(copies) || copies < 1 || copies > MOST_COPIES) {
    throw new DskdError(
      'invalid-config',
      `Got ${copies} altered copies of each image; wanted a whole number from 1 to ${MOST_COPIES}.`,
      { details: { copies } },
    );
  }
  if (!looksOnce || !augmented) {
    throw new DskdError(
      'invalid-config',
      looksOnce
        ? `Got ${copies} altered copies of each image, but no augmentation that alters them.`
        : `Got ${copies} altered copies of each image; the method ${name} alters the images in each epoch instead.`,
      {
        hint: looksOnce ? 'Say how: input.augmentation.' : 'Leave input.copies out.',
        details: { copies, method: name, looksOnce },
      },
    );
  }
  return copies;
}

/** Images by `[index of the sample, epoch of its augmentation]`; as they are without an epoch. */
async function batchOf(
  images: PreparedImages,
  wanted: readonly (readonly [number, number | undefined])[],
): Promise<tf.Tensor4D> {
  const pixels = await Promise.all(
    wanted.map(([index, epoch]) => images.images([index], epoch === undefined ? {} : { epoch })),
  );
  return toImageTensor(pixels.flat());
}

/** The images as they are, then `copies` times all of them altered, each time by other random numbers. */
export function withCopies(images: PreparedImages, copies: number): ImageSet {
  const { length } = images;
  return {
    length: length * (1 + copies),
    originals: length,
    changesEachEpoch: false,
    batch: (indices) =>
      batchOf(
        images,
        indices.map((index) => [index % length, index < length ? undefined : Math.floor(index / length) - 1]),
      ),
    prefetch: (indices) => images.prefetch([...new Set(indices.map((index) => index % length))]),
  };
}

/** Altered copies of one image, other ones than the `copies` that were learned: what calibrates where there is no other. */
export function standIns(
  images: PreparedImages,
  copies: number,
): {
  readonly length: number;
  batch(indices: readonly number[]): Promise<tf.Tensor4D>;
  placements(indices: readonly number[]): Promise<Placement[]>;
} {
  return {
    length: STAND_INS,
    batch: (indices) =>
      batchOf(
        images,
        indices.map((index) => [0, copies + index]),
      ),
    placements: async (indices) => {
      const [placement] = await images.placements([0]);
      return indices.map(() => placement!);
    },
  };
}
