import type { InputTransform } from '@dskd/core';
import { throwIfAborted } from '@dskd/base';
import type { ImageSet } from '@dskd/training';
import type { Tensor4D } from '@tensorflow/tfjs-core';

/** Images that are read at once. */
const BATCH = 8;
/** A channel of one color only is not divided by less. */
const LEAST_DEVIATION = 1e-3;

/** Mean and standard deviation (of the population) of each channel, block by block, in float64. */
export class ChannelMoments {
  readonly #means: Float64Array;
  readonly #squares: Float64Array;
  #rows = 0;

  constructor(readonly channels: number) {
    this.#means = new Float64Array(channels);
    this.#squares = new Float64Array(channels);
  }

  /** @param values rows of `channels` values: those of any number of positions. */
  add(values: Float32Array): void {
    const { channels } = this;
    const rows = values.length / channels;
    if (rows === 0) return;
    const all = this.#rows + rows;
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0;
      for (let at = channel; at < values.length; at += channels) sum += values[at]!;
      const mean = sum / rows;
      let squares = 0;
      for (let at = channel; at < values.length; at += channels) squares += (values[at]! - mean) ** 2;
      const shift = mean - this.#means[channel]!;
      this.#means[channel]! += (shift * rows) / all;
      this.#squares[channel]! += squares + (shift * shift * this.#rows * rows) / all;
    }
    this.#rows = all;
  }

  get means(): Float64Array {
    return this.#means.slice();
  }

  get deviations(): Float64Array {
    return this.#squares.map((squares) => Math.sqrt(squares / this.#rows));
  }
}

/**
 * Calls `use` with the images, as they are in epoch 0, batch by batch, and disposes each batch after it.
 * @throws {DskdError} `aborted`
 */
export async function eachImageBatch(
  images: ImageSet,
  signal: AbortSignal | undefined,
  use: (batch: Tensor4D) => Promise<void>,
): Promise<void> {
  for (let first = 0; first < images.length; first += BATCH) {
    throwIfAborted(signal);
    const size = Math.min(BATCH, images.length - first);
    const batch = await images.batch(
      Array.from({ length: size }, (_, i) => first + i),
      0,
    );
    await use(batch).finally(() => batch.dispose());
  }
}

/**
 * The transform that gives each channel of the training images, as they are in epoch 0, mean 0 and standard deviation 1
 * (of the population). Sums are in float64.
 * @throws {DskdError} `aborted`
 */
export async function standardization(
  images: ImageSet,
  signal: AbortSignal | undefined,
): Promise<InputTransform> {
  const moments = new ChannelMoments(3);
  await eachImageBatch(images, signal, async (batch) => moments.add(await batch.data<'float32'>()));
  const { means, deviations } = moments;
  const triple = (of: (channel: number) => number): [number, number, number] => [of(0), of(1), of(2)];
  return {
    channelOrder: 'rgb',
    scale: 1,
    mean: triple((channel) => means[channel]!),
    standardDeviation: triple((channel) => Math.max(LEAST_DEVIATION, deviations[channel]!)),
  };
}
