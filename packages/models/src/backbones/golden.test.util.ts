import * as tf from '@tensorflow/tfjs';
import { expectClose, integerFill, readGolden, type Golden } from '@dskd/test-support';
import type { StateDict } from '@dskd/weights';
import { backboneInfo, createBackbone, type Backbone, type BackboneName } from '../index.js';

/** `file` of this package's fixtures, written by tools/golden/backbones.py. */
export function backboneGolden(file = 'backbones.safetensors'): Promise<Golden> {
  return readGolden(new URL(`../../test/fixtures/${file}`, import.meta.url));
}

export function filledWeights(name: BackboneName, levels?: readonly string[]): StateDict {
  const shapes = backboneInfo(name).weightShapes(levels && { levels });
  return new Map(
    [...shapes].map(([tensor, shape]) => [tensor, { dtype: 'F32', shape, data: integerFill(tensor, shape) }]),
  );
}

export function filledBackbone(name: BackboneName, levels?: readonly string[]): Backbone {
  return createBackbone(name, { weights: filledWeights(name, levels), ...(levels && { levels }) });
}

/** Uniform noise in [0, 1), the generator's. */
export function noiseImages(batch: number, height: number, width: number): tf.Tensor4D {
  const shape: [number, number, number, number] = [batch, height, width, 3];
  return tf.tensor4d(
    integerFill('pictures.running_var', shape).map((value) => value - 0.5),
    shape,
  );
}

/**
 * Expects a level's features to be the golden ones: sampled entries, mean and standard deviation within
 * `tolerance` standard deviations. Returns the worst entry's difference in standard deviations.
 */
export async function expectGoldenLevel(
  features: tf.Tensor4D,
  golden: Golden,
  key: string,
  tolerance = 1e-4,
): Promise<number> {
  expect(features.shape).toEqual([...golden.array(`${key}/shape`).data]);
  const values = await features.data<'float32'>();
  const [mean, deviation] = golden.array(`${key}/moments`).data as Float64Array;
  const wanted = golden.array(key).data;
  const got = wanted.map((_, i) => values[Math.floor(((i + 0.5) * values.length) / wanted.length)]!);
  expectClose(got, wanted, { absolute: tolerance * deviation! });
  let sum = 0;
  for (const value of values) sum += value;
  const gotMean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - gotMean) ** 2;
  const moments = [gotMean, Math.sqrt(squares / values.length)];
  expectClose(moments, [mean!, deviation!], { absolute: tolerance * deviation! });
  return Math.max(...got.map((value, i) => Math.abs(value - wanted[i]!))) / deviation!;
}

/** Runs `backbone` on the golden images and checks every level; the worst difference of all. */
export async function expectGoldenFeatures(
  backbone: Backbone,
  golden: Golden,
  images: tf.Tensor4D,
): Promise<number> {
  const features = await backbone.extract(images);
  const worst: number[] = [];
  for (const [index, { name }] of backbone.levels.entries()) {
    worst.push(await expectGoldenLevel(features[index]!, golden, `${backbone.name}/${name}`));
  }
  tf.dispose([...features, images]);
  return Math.max(...worst);
}
