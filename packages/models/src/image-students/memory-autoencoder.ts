import * as tf from '@tensorflow/tfjs-core';
import { batchNorm } from '../layers/batch-norm.js';
import { smoothing } from '../layers/biased.js';
import { convolution } from '../layers/convolution.js';
import { doublingByThree } from '../layers/doubling-by-three.js';
import { chain, elements, type Layer, type MapShape, NetworkPlan } from '../layers/network-plan.js';
import { halvingByMaximum } from '../layers/halving-by-maximum.js';
import { planMemory } from './memory.js';
import type { PlannedNetwork } from './planned-student.js';

/** An autoencoder that also reads what it passes on from a memory of good features. */
export interface MemoryAutoencoderOptions {
  readonly kind: 'memory-autoencoder';
  /** `[height, width]` in pixels. */
  readonly inputSize: readonly [number, number];
  /** Channels of the encoder; the map is halved between them. The last is the length of the items. */
  readonly widths: readonly number[];
  /** Number of vectors in the memory. */
  readonly items: number;
  readonly seed: number;
}

/** Unit vectors over channels, as `torch.nn.functional.normalize` makes them. */
function unit(x: tf.Tensor2D): tf.Tensor2D {
  return tf.mul(x, tf.rsqrt(tf.maximum(tf.sum(tf.square(x), 1, true), 1e-24)));
}

/**
 * Plans the network of MNAD for reconstruction (Park et al., CVPR 2020, Sec. 3.1; cvlab-yonsei/MNAD, model/Reconstruction.py): pairs of
 * 3x3 convolutions with batch norm and ReLU, max pooling between, the last convolution bare. Each position of its map, as a unit
 * vector, goes to the decoder beside what it reads from the memory. Transposed convolutions double the map; the output is in -1..1.
 * A training step that says where it is updates the memory. Besides the reconstruction it returns the queries
 * `[batch, height, width, length]` and the items `[1, 1, items, length]` as they were before that update.
 */
export function planMemoryAutoencoder(options: MemoryAutoencoderOptions): PlannedNetwork {
  const { inputSize, widths, items } = options;
  const plan = new NetworkPlan();
  const input: MapShape = [inputSize[0], inputSize[1], 3];
  const block = (name: string, from: MapShape, outputs: number): Layer => {
    const conv = convolution(plan, `${name}.conv`, from, { outputs, kernel: 3, stride: 1 });
    return chain(conv, batchNorm(plan, `${name}.bn`, conv.shape, { relu: true }));
  };
  const pair = (name: string, from: MapShape, outputs: number): Layer => {
    const first = block(`${name}.1`, from, outputs);
    return chain(first, block(`${name}.2`, first.shape, outputs));
  };

  const encoder: Layer[] = [];
  const sizes: MapShape[] = [];
  let shape = input;
  for (const [index, width] of widths.slice(0, -1).entries()) {
    const convolutions = pair(`encoder.${index + 1}`, shape, width);
    sizes.push(convolutions.shape);
    const pooled = halvingByMaximum(plan, `encoder.${index + 1}.pool`, convolutions.shape);
    encoder.push(convolutions, pooled);
    ({ shape } = pooled);
  }
  const length = widths.at(-1)!;
  const last = block(`encoder.${widths.length}.1`, shape, length);
  encoder.push(
    last,
    smoothing(plan, `encoder.${widths.length}.2`, last.shape, { outputs: length, slope: null }),
  );
  const [height, width] = last.shape;
  const memory = planMemory(plan, items, length);
  plan.cost(
    'memory',
    [height, width, 2 * length],
    2 * height * width * items * length,
    4 * elements(last.shape),
  );

  const decoder: Layer[] = [pair('decoder.1', [height, width, 2 * length], length)];
  for (let level = sizes.length - 1; level >= 0; level--) {
    const name = `decoder.${decoder.length + 1}`;
    const [rows, columns, outputs] = sizes[level]!;
    const from = decoder.at(-1)!.shape[2];
    const up = doublingByThree(plan, `${name}.up`, from, [rows, columns], from);
    const normalized = chain(up, batchNorm(plan, `${name}.up_bn`, up.shape, { relu: true }));
    decoder.push(chain(normalized, pair(name, normalized.shape, outputs)));
  }
  const output = smoothing(plan, 'decoder.output', decoder.at(-1)!.shape, { outputs: 3, slope: null });
  decoder.push(output);

  return {
    plan,
    shapes: [input],
    firstTarget: 0,
    apply: (images, mode) => {
      const encoded = encoder.reduce<tf.Tensor4D>((x, layer) => layer.apply(x, mode), images);
      const queries = unit(tf.reshape(encoded, [encoded.size / length, length]));
      const read = memory.read(queries);
      const known = memory.items();
      if (mode.position && mode.batchNormMomentum > 0) memory.update(queries);
      const both = tf.reshape<tf.Rank.R4>(tf.concat([queries, read], 1), [
        images.shape[0],
        height,
        width,
        2 * length,
      ]);
      const reconstruction = tf.tanh(decoder.reduce((x, layer) => layer.apply(x, mode), both));
      return [reconstruction, tf.reshape(queries, encoded.shape), known];
    },
  };
}
