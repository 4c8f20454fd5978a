import { throwIfAborted } from '@dskd/base';
import { accurateSum, type FeatureExtractor } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';

/** Lower bound of a channel's standard deviation, relative to the root mean square of its level's: nearly constant channels are not amplified. */
const SMALLEST_DEVIATION = 0.01;

/** Running mean and sum of squared deviations per channel (Chan, Golub and LeVeque 1983). */
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
      const average = tf.mul<tf.Tensor1D>(accurateSum(table, 0), 1 / rows);
      return [average, accurateSum(tf.squaredDifference<tf.Tensor2D>(table, average), 0)] as const;
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

  /** Returns `scale` and `shift` such that `features * scale - shift` has mean 0 and standard deviation 1 in each channel. */
  standardization(): { scale: tf.Tensor1D; shift: tf.Tensor1D } {
    const deviations = this.#squares.map((squares) => Math.sqrt(squares / this.#rows));
    const typical = Math.sqrt(deviations.reduce((sum, value) => sum + value ** 2, 0) / deviations.length);
    // Features of a constant level become 0 with any scale.
    const floor = typical === 0 ? 1 : SMALLEST_DEVIATION * typical;
    const scales = deviations.map((deviation) => 1 / Math.max(deviation, floor));
    return {
      scale: tf.tensor1d(Float32Array.from(scales)),
      shift: tf.tensor1d(Float32Array.from(scales, (scale, channel) => scale * this.#means[channel]!)),
    };
  }
}

/** A teacher with features standardized to mean 0 and standard deviation 1 per channel. Does not own the teacher. */
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
   * Measures the mean and standard deviation of every channel over `batches`, which it disposes.
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

  /** Returns the standardized features of each level, `[batch, height, width, channels]`. The caller disposes them. */
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
