import { randomStream } from '@dskd/base';
import * as tf from '@tensorflow/tfjs-core';
import type { FitInput, Size } from '../contract.js';
import { IDENTITY, type RigidTransform } from './rigid-transform.js';

/** Samples of a pixel in each direction: edges fall between pixels as those of a photo do. */
const SAMPLES = 4;

export interface SceneOptions {
  readonly size?: Size;
  /** How the part lies against the scene without a transform. */
  readonly transform?: RigidTransform;
  /** A dark square of 5 pixels with this corner, in pixels of the image. */
  readonly defect?: { readonly x: number; readonly y: number };
  /** Of random noise, in gray levels; 0 for none. */
  readonly noise?: number;
  readonly seed?: number;
}

/** Gray level of the scene at a place, as fractions of its sides from the center: a part with a notch and a hole. */
function levelAt(x: number, y: number): number {
  const inside = Math.abs(x) < 0.28 && Math.abs(y) < 0.2;
  if (!inside) return 200;
  if (x > 0.1 && y < -0.1) return 200;
  return Math.hypot(x + 0.12, y - 0.03) < 0.07 ? 180 : 60;
}

/** An image of the scene in gray levels, `[height, width, 3]`; its channels differ by a constant. */
export function scene({ size = [64, 64], transform = IDENTITY, ...rest }: SceneOptions = {}): Float32Array {
  const { defect, noise = 0, seed = 1 } = rest;
  const [height, width] = size;
  const { angle, shift } = transform;
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const random = randomStream(seed, 'noise');
  const image = new Float32Array(height * width * 3);
  for (let pixel = 0; pixel < height * width; pixel++) {
    const [row, column] = [Math.floor(pixel / width), pixel % width];
    let sum = 0;
    for (let sample = 0; sample < SAMPLES ** 2; sample++) {
      const across = column + (0.5 + (sample % SAMPLES)) / SAMPLES - width / 2 - shift.x;
      const down = row + (0.5 + Math.floor(sample / SAMPLES)) / SAMPLES - height / 2 - shift.y;
      sum += levelAt((cosine * across + sine * down) / width, (cosine * down - sine * across) / height);
    }
    const isDefect =
      defect && row >= defect.y && row < defect.y + 5 && column >= defect.x && column < defect.x + 5;
    for (let channel = 0; channel < 3; channel++) {
      const level = isDefect ? 10 : sum / SAMPLES ** 2 - 5 * channel;
      image[3 * pixel + channel] = level + noise * random.normal();
    }
  }
  return image;
}

/** A transform in degrees and pixels. */
export function transformOf(degrees: number, x: number, y: number): RigidTransform {
  return { angle: (degrees * Math.PI) / 180, shift: { x, y } };
}

/** Images in gray levels as a batch of values 0..1; the caller disposes it. */
export function batchOf(images: readonly Float32Array[], [height, width]: Size = [64, 64]): tf.Tensor4D {
  const data = new Float32Array(images.length * height * width * 3);
  images.forEach((image, index) =>
    data.set(
      image.map((level) => level / 255),
      index * image.length,
    ),
  );
  return tf.tensor4d(data, [images.length, height, width, 3]);
}

/** A fit on images in gray levels. */
export function fitOn(
  images: readonly Float32Array[],
  changes: Partial<FitInput> = {},
  size: Size = [64, 64],
): FitInput {
  return {
    images: images.length,
    inputSize: size,
    seed: 3,
    imagesChange: false,
    execution: {},
    trainingImages: {
      length: images.length,
      changesEachEpoch: false,
      batch: (indices) =>
        Promise.resolve(
          batchOf(
            indices.map((index) => images[index]!),
            size,
          ),
        ),
    },
    run: {},
    ...changes,
  };
}
