import type { ImageSet } from '@dskd/training';
import * as tf from '@tensorflow/tfjs-core';
import type { TileGrid } from './grid.js';
import type { Shrink } from './shrink.js';

/** A rectangle of an image as bytes of floats. */
function cutInto(
  target: Float32Array,
  at: number,
  image: Float32Array,
  {
    top,
    left,
    size,
    width,
  }: { readonly top: number; readonly left: number; readonly size: number; readonly width: number },
): void {
  for (let y = 0; y < size; y++) {
    const from = ((top + y) * width + left) * 3;
    target.set(image.subarray(from, from + size * 3), at + y * size * 3);
  }
}

/**
 * The tiles of all images of a set: those of its first image, then those of the second. An image is asked for once for
 * all tiles of a batch, and once for batches that follow each other in its tiles.
 */
export function tilesOf(images: ImageSet, grid: TileGrid): ImageSet {
  const { tiles } = grid;
  const { size } = grid.tiling;
  const [, width] = grid.inputSize;
  // On the host: nothing has to be disposed when a fit ends anywhere.
  let latest: { readonly key: string; readonly values: Promise<Float32Array> } | undefined;
  const valuesOf = (index: number, epoch: number): Promise<Float32Array> => {
    const key = `${index}/${images.changesEachEpoch ? epoch : 0}`;
    if (latest?.key === key) return latest.values;
    const values = images
      .batch([index], epoch)
      .then(async (image) => image.data<'float32'>().finally(() => image.dispose()));
    latest = { key, values };
    return values;
  };
  return {
    length: images.length * tiles.length,
    changesEachEpoch: images.changesEachEpoch,
    batch: async (indices, epoch) => {
      const values = new Float32Array(indices.length * size * size * 3);
      const byImage = indices
        .map((index, position) => ({
          position,
          image: Math.floor(index / tiles.length),
          tile: tiles[index % tiles.length]!,
        }))
        .sort((a, b) => a.image - b.image);
      for (const { position, image, tile } of byImage) {
        cutInto(values, position * size * size * 3, await valuesOf(image, epoch), { ...tile, size, width });
      }
      return tf.tensor4d(values, [indices.length, size, size, 3]);
    },
  };
}

/** The images of a set at the size of a tile. One at a time, so that no batch of large images is held. */
export function shrunk(images: ImageSet, shrink: Shrink): ImageSet {
  return {
    length: images.length,
    changesEachEpoch: images.changesEachEpoch,
    batch: async (indices, epoch) => {
      const small: tf.Tensor4D[] = [];
      try {
        for (const index of indices) {
          const image = await images.batch([index], epoch);
          small.push(shrink.apply(image));
          image.dispose();
        }
        return tf.concat(small, 0);
      } finally {
        tf.dispose(small);
      }
    },
  };
}
