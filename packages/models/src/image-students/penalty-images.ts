import { randomStream, type RandomStream } from '@dskd/base';
import * as tf from '@tensorflow/tfjs-core';

const WAVES = 3;
const MOST_SHAPES = 6;

/** Smooth waves of color that fill an image. */
function fillWaves(
  image: Float32Array,
  [height, width]: readonly [number, number],
  random: RandomStream,
): void {
  const waves = Array.from({ length: WAVES }, () => ({
    down: (random.uniform() - 0.5) * 12,
    across: (random.uniform() - 0.5) * 12,
    phase: 2 * Math.PI * random.uniform(),
    color: [0, 1, 2].map(() => 0.3 * random.normal()),
  }));
  const base = [random.uniform(), random.uniform(), random.uniform()];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 3 * (y * width + x);
      for (let channel = 0; channel < 3; channel++) image[at + channel] = base[channel]!;
      for (const { down, across, phase, color } of waves) {
        const wave = Math.sin((down * y) / height + (across * x) / width + phase);
        for (let channel = 0; channel < 3; channel++) image[at + channel]! += wave * color[channel]!;
      }
    }
  }
}

/** An ellipse or a rectangle of one color, with a grain of its own. */
function drawShape(
  image: Float32Array,
  [height, width]: readonly [number, number],
  random: RandomStream,
): void {
  const isRound = random.uniform() < 0.5;
  const [top, left] = [random.uniform() * height, random.uniform() * width];
  const [tall, wide] = [(0.03 + 0.3 * random.uniform()) * height, (0.03 + 0.3 * random.uniform()) * width];
  const color = [random.uniform(), random.uniform(), random.uniform()];
  const grain = random.uniform() < 0.5 ? 0 : 0.3 * random.uniform();
  for (let y = Math.max(0, Math.ceil(top - tall)); y < Math.min(height, top + tall); y++) {
    for (let x = Math.max(0, Math.ceil(left - wide)); x < Math.min(width, left + wide); x++) {
      if (isRound && ((y - top) / tall) ** 2 + ((x - left) / wide) ** 2 > 1) continue;
      const light = grain === 0 ? 0 : grain * (random.uniform() - 0.5);
      const at = 3 * (y * width + x);
      for (let channel = 0; channel < 3; channel++) image[at + channel] = color[channel]! + light;
    }
  }
}

/**
 * Images of nothing in particular: smooth colors with ellipses and rectangles on them, in place of EfficientAD's images of ImageNet.
 * Those of a step depend on seed and step alone, so that a resumed training sees the same.
 * @returns float32 `[count, height, width, 3]`, RGB, 0..1. The caller disposes it.
 */
export function penaltyImages(
  count: number,
  size: readonly [number, number],
  seed: number,
  step: number,
): tf.Tensor4D {
  const [height, width] = size;
  const length = height * width * 3;
  const values = new Float32Array(count * length);
  for (let index = 0; index < count; index++) {
    const random = randomStream(seed, 'penalty-images', step, index);
    const image = values.subarray(index * length, (index + 1) * length);
    fillWaves(image, size, random);
    const shapes = random.integer(MOST_SHAPES + 1);
    for (let shape = 0; shape < shapes; shape++) drawShape(image, size, random);
  }
  for (let at = 0; at < values.length; at++) values[at] = Math.min(1, Math.max(0, values[at]!));
  return tf.tensor4d(values, [count, height, width, 3]);
}
