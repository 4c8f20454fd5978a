import { throwIfAborted } from '@dskd/base';
import { meanOverRows, sumOverRows, type FeatureExtractor } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';

/** Of the root mean square of a level's deviations: a channel that hardly ever moves is not blown up. */
const SMALLEST_DEVIATION = 0.01;

/** Mean and sum of squared distances from it, per channel, of all rows so far (Chan, Golub and LeVeque 1983). */
class ChannelMoments {
  #rows = 0;
  readonly #means: Float64Array;
  readonly #squares: Float64Array;

  constructor(channels: number) {
    this.#means = new Float64Array(channels);
    this.#squares = new Float64Array(channels);
  }

  async add(features: tf.Tensor4D): Promise<void> {
    const [batch, height, width, channels] = features.shape;
    const rows = batch * height * width;
    const [mean, squares] = tf.tidy(() => {
      const table = tf.reshape<tf.Rank.R2>(features, [rows, channels]);
      const average = meanOverRows(table);
      return [average, sumOverRows(tf.squaredDifference<tf.Tensor2D>(table, average))] as const;
    });
    const [means, sums] = [await mean.data<'float32'>(), await squares.data<'float32'>()];
    tf.dispose([mean, squares]);
    const all = this.#rows + rows;
    for (let channel = 0; channel < channels; channel++) {
      const shift = means[channel]! - this.#means[channel]!;
      this.#means[channel] = this.#means[channel]! + (shift * rows) / all;
      this.#squares[channel] =
        this.#squares[channel]! + sums[channel]! + (shift * shift * this.#rows * rows) / all;
    }
    this.#rows = all;
  }

  /** `features * scale - shift` has mean 0 and deviation 1 in each channel. */
  standardization(): { scale: tf.Tensor1D; shift: tf.Tensor1D } {
    const deviations = this.#squares.map((squares) => Math.sqrt(squares / this.#rows));
    const typical = Math.sqrt(deviations.reduce((sum, value) => sum + value ** 2, 0) / deviations.length);
    // A level that never moves at all is zero whatever it is divided by.
    const floor = typical === 0 ? 1 : SMALLEST_DEVIATION * typical;
    const scales = deviations.map((deviation) => 1 / Math.max(deviation, floor));
    return {
      scale: tf.tensor1d(Float32Array.from(scales)),
      shift: tf.tensor1d(Float32Array.from(scales, (scale, channel) => scale * this.#means[channel]!)),
    };
  }
}

/** A teacher whose features have mean 0 and deviation 1 in each channel. Does not own the teacher. */
export class StandardizedTeacher {
  readonly #extractor: FeatureExtractor;
  readonly #levels: readonly { readonly scale: tf.Tensor1D; readonly shift: tf.Tensor1D }[];

  private constructor(
    extractor: FeatureExtractor,
    levels: readonly { readonly scale: tf.Tensor1D; readonly shift: tf.Tensor1D }[],
  ) {
    this.#extractor = extractor;
    this.#levels = levels;
  }

  /**
   * Measures mean and deviation of every channel over `batches`, which are disposed.
   * @throws {DskdError} `aborted`
   */
  static async measure(
    extractor: FeatureExtractor,
    batches: AsyncIterable<tf.Tensor4D>,
    signal?: AbortSignal,
  ): Promise<StandardizedTeacher> {
    const moments = extractor.levels.map(({ channels }) => new ChannelMoments(channels));
    for await (const images of batches) {
      try {
        throwIfAborted(signal);
        const features = await extractor.extract(images);
        for (const [level, tensor] of features.entries()) await moments[level]!.add(tensor);
        tf.dispose(features);
      } finally {
        images.dispose();
      }
    }
    return new StandardizedTeacher(
      extractor,
      moments.map((level) => level.standardization()),
    );
  }

  /** As `extract` of a feature extractor. The caller disposes the result. */
  async extract(images: tf.Tensor4D): Promise<tf.Tensor4D[]> {
    const features = await this.#extractor.extract(images);
    const standardized = features.map((tensor, level) =>
      tf.tidy(() => {
        const { scale, shift } = this.#levels[level]!;
        return tf.sub<tf.Tensor4D>(tf.mul(tensor, scale), shift);
      }),
    );
    tf.dispose(features);
    return standardized;
  }

  dispose(): void {
    for (const { scale, shift } of this.#levels) tf.dispose([scale, shift]);
  }
}
