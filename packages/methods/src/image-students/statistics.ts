import type { InputTransform } from '@dskd/core';
import { throwIfAborted } from '@dskd/base';
import type { ImageSet } from '@dskd/training';

/** Images that are read at once. */
const BATCH = 8;
/** A channel of one color only is not divided by less. */
const LEAST_DEVIATION = 1e-3;

/**
 * The transform that gives each channel of the training images, as they are in epoch 0, mean 0 and standard deviation 1
 * (of the population). Sums are in float64.
 * @throws {DskdError} `aborted`
 */
export async function standardization(
  images: ImageSet,
  signal: AbortSignal | undefined,
): Promise<InputTransform> {
  const [sums, squares] = [new Float64Array(3), new Float64Array(3)];
  let pixels = 0;
  for (let first = 0; first < images.length; first += BATCH) {
    throwIfAborted(signal);
    const size = Math.min(BATCH, images.length - first);
    const batch = await images.batch(
      Array.from({ length: size }, (_, i) => first + i),
      0,
    );
    const values = await batch.data<'float32'>();
    batch.dispose();
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      sums[i % 3]! += value;
      squares[i % 3]! += value * value;
    }
    pixels += values.length / 3;
  }
  const triple = (of: (channel: number) => number): [number, number, number] => [of(0), of(1), of(2)];
  const mean = triple((channel) => sums[channel]! / pixels);
  const standardDeviation = triple((channel) =>
    Math.max(LEAST_DEVIATION, Math.sqrt(Math.max(0, squares[channel]! / pixels - mean[channel]! ** 2))),
  );
  return { channelOrder: 'rgb', scale: 1, mean, standardDeviation };
}
