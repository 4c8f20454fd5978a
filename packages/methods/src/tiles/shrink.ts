import * as tf from '@tensorflow/tfjs-core';
import type { Size } from '../contract.js';

/** Pillow's antialiased bilinear filter from `from` to `to <= from` pixels, as a matrix `[from, to]`. */
function filterOf(from: number, to: number): Float32Array {
  const scale = from / to;
  const values = new Float32Array(from * to);
  for (let column = 0; column < to; column++) {
    const center = (column + 0.5) * scale;
    const first = Math.max(0, Math.floor(center - scale));
    const last = Math.min(from, Math.ceil(center + scale));
    const taps = Array.from({ length: last - first }, (_, index) =>
      Math.max(0, 1 - Math.abs(first + index + 0.5 - center) / scale),
    );
    const sum = taps.reduce((total, tap) => total + tap, 0);
    taps.forEach((tap, index) => (values[(first + index) * to + column] = tap / sum));
  }
  return values;
}

/** Brings whole images to the size of a tile, as images are brought to the network's input, without its 8 bits. */
export class Shrink {
  /** Made when they are first needed: a file that is only looked at takes no memory for them. */
  #filters: { readonly down: Float32Array; readonly across: Float32Array } | undefined;

  constructor(
    private readonly from: Size,
    private readonly side: number,
  ) {}

  /**
   * @param images `[batch, ...from, 3]`; the caller keeps them.
   * @returns `[batch, side, side, 3]`, each image on its own; the caller disposes it.
   */
  apply(images: tf.Tensor4D): tf.Tensor4D {
    const { from, side } = this;
    const [height, width] = from;
    if (height === side && width === side) return images.clone();
    const filters = (this.#filters ??= { down: filterOf(height, side), across: filterOf(width, side) });
    return tf.tidy(() => {
      const across = tf.tensor2d(filters.across, [width, side]);
      const down = tf.tensor2d(filters.down, [height, side]);
      const each = Array.from({ length: images.shape[0] }, (_, index) =>
        tf.tidy(() => {
          const image = tf.reshape(tf.slice(images, [index, 0, 0, 0], [1, height, width, 3]), [
            height,
            width,
            3,
          ]);
          // [height, 3, width] x [width, side], then [side, 3, height] x [height, side].
          const narrow = tf.matMul(tf.reshape(tf.transpose(image, [0, 2, 1]), [height * 3, width]), across);
          const turned = tf.transpose(tf.reshape(narrow, [height, 3, side]), [2, 1, 0]);
          const small = tf.matMul(tf.reshape(turned, [side * 3, height]), down);
          return tf.transpose(tf.reshape(small, [side, 3, side]), [2, 0, 1]);
        }),
      );
      return tf.stack(each) as tf.Tensor4D;
    });
  }
}
