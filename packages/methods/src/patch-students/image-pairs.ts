import { randomStream } from '@dskd/base';
import type { ImageSet } from '@dskd/training';
import * as tf from '@tensorflow/tfjs-core';

/** As PIL and torchvision convert colors to gray. */
const GRAY = [0.299, 0.587, 0.114];

/** Numbers of an altered image: `own * image + gray * its gray + average * its mean gray`. */
interface Alteration {
  readonly own: number;
  readonly gray: number;
  readonly average: number;
}

/** One of brightness, contrast and saturation, times `1 - amount` to `1 + amount`, by seed, epoch and index of the image. */
export function alterationOf(amount: number, seed: number, epoch: number, index: number): Alteration {
  const random = randomStream(seed, 'altered-image', epoch, index);
  const kind = random.integer(3);
  const own = 1 + amount * (2 * random.uniform() - 1);
  return { own, gray: kind === 1 ? 1 - own : 0, average: kind === 2 ? 1 - own : 0 };
}

function altered(images: tf.Tensor4D, alterations: readonly Alteration[]): tf.Tensor4D {
  const factor = (of: (alteration: Alteration) => number): tf.Tensor4D =>
    tf.tensor4d(alterations.map(of), [alterations.length, 1, 1, 1]);
  const gray = tf.sum(tf.mul(images, GRAY), 3, true);
  const average = tf.mean(gray, [1, 2], true);
  const mixed = tf.addN([
    tf.mul(
      images,
      factor(({ own }) => own),
    ),
    tf.mul(
      tf.tile(gray, [1, 1, 1, 3]),
      factor((alteration) => alteration.gray),
    ),
    tf.mul(
      tf.tile(average, [1, images.shape[1], images.shape[2], 3]),
      factor((alteration) => alteration.average),
    ),
  ]);
  return tf.clipByValue(mixed as tf.Tensor4D, 0, 1);
}

/**
 * Each image above itself with another brightness, contrast or saturation, as torchvision's ColorJitter changes them
 * (nelson1425/EfficientAD efficientad.py): what EfficientAD's autoencoder sees. Another one in each epoch.
 * @returns images `[batch, 2 height, width, 3]`.
 */
export function imagePairs(images: ImageSet, amount: number, seed: number): ImageSet {
  return {
    length: images.length,
    changesEachEpoch: true,
    async batch(indices, epoch) {
      const own = await images.batch(indices, epoch);
      const alterations = indices.map((index) => alterationOf(amount, seed, epoch, index));
      const pairs = tf.tidy(() => tf.concat([own, altered(own, alterations)], 1));
      own.dispose();
      return pairs;
    },
    prefetch: (indices) => images.prefetch?.(indices),
  };
}
