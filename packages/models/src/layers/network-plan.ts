import { DskdError, randomStream } from '@dskd/base';
import * as tf from '@tensorflow/tfjs-core';

/**
 * How a parameter is stored here, compared with torch's layout. 'upsample' is a 2x2 transposed convolution, stored
 * as one matrix for each of its two output rows; 'restore' is a transposed convolution from one position to a whole
 * map.
 */
type Layout = 'vector' | 'convolution' | 'upsample' | 'restore' | 'depthwise';

const AXES: Readonly<Record<Layout, readonly number[]>> = {
  vector: [0],
  convolution: [2, 3, 1, 0], // out, in, kh, kw -> kh, kw, in, out
  upsample: [2, 0, 3, 1], // in, out, kh, kw -> kh, in, kw, out
  restore: [0, 2, 3, 1], // in, out, kh, kw -> in, kh, kw, out
  depthwise: [2, 3, 0, 1], // channels, 1, kh, kw -> kh, kw, channels, 1
};

/** Shape in which a parameter of torch's shape `torchShape` is stored here. */
export function keptShape(layout: Layout, torchShape: readonly number[]): number[] {
  return AXES[layout].map((axis) => torchShape[axis]!);
}

function permute(data: Float32Array, shape: readonly number[], axes: readonly number[]): Float32Array {
  if (axes.length === 1) return data.slice();
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, side) => product * side, 1));
  const [n0, n1, n2, n3] = axes.map((axis) => shape[axis]!) as [number, number, number, number];
  const [s0, s1, s2, s3] = axes.map((axis) => strides[axis]!) as [number, number, number, number];
  const result = new Float32Array(data.length);
  let to = 0;
  for (let i = 0; i < n0; i++) {
    for (let j = 0; j < n1; j++) {
      for (let k = 0; k < n2; k++) {
        let from = i * s0 + j * s1 + k * s2;
        for (let l = 0; l < n3; l++, from += s3) result[to++] = data[from]!;
      }
    }
  }
  return result;
}

/** Returns a copy of `data`, converted from torch's layout to ours. */
export function fromTorch(layout: Layout, torchShape: readonly number[], data: Float32Array): Float32Array {
  return permute(data, torchShape, AXES[layout]);
}

/** Returns a copy of `data`, converted from our layout to torch's. */
export function toTorch(layout: Layout, torchShape: readonly number[], data: Float32Array): Float32Array {
  const axes = AXES[layout];
  const inverse = axes.map((_, axis) => axes.indexOf(axis));
  return permute(data, keptShape(layout, torchShape), inverse);
}

/** `[height, width, channels]` of the map of one image. */
export type MapShape = readonly [height: number, width: number, channels: number];

type Initial =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'normal'; readonly deviation: number }
  | { readonly kind: 'uniform'; readonly bound: number }
  /** Vectors of this many values each, uniform in 0..1 and then scaled to length 1. */
  | { readonly kind: 'directions'; readonly length: number };

interface ParameterSpec {
  /** Name in torch's state dict. */
  readonly name: string;
  readonly torchShape: readonly number[];
  readonly layout: Layout;
  readonly initial: Initial;
  /** False for running statistics. */
  readonly trainable: boolean;
}

function scaleToUnit(values: Float32Array, length: number): void {
  for (let start = 0; start < values.length; start += length) {
    const vector = values.subarray(start, start + length);
    const norm = Math.hypot(...vector);
    for (let i = 0; i < length; i++) vector[i]! /= norm;
  }
}

/** A parameter whose shape is known before its memory is allocated. */
export class ParameterSlot {
  #variable: tf.Variable | undefined;

  constructor(readonly spec: ParameterSpec) {}

  get size(): number {
    return tf.util.sizeFromShape([...this.spec.torchShape]);
  }

  get variable(): tf.Variable {
    if (!this.#variable)
      throw new DskdError(
        'disposed',
        `Parameter '${this.spec.name}' has no memory: it was not allocated, or it was disposed.`,
      );
    return this.#variable;
  }

  /**
   * Allocates and fills the variable: random values by (seed, name), or zeros if `seed` is null; constants as
   * specified.
   */
  allocate(seed: number | null): void {
    const { name, torchShape, layout, initial, trainable } = this.spec;
    const values = new Float32Array(this.size);
    if (initial.kind === 'constant') {
      values.fill(initial.value);
    } else if (seed !== null) {
      // The key keeps its spelling: another one would give other weights for the same seed.
      // cspell:disable-next-line
      const stream = randomStream(seed, 'initialisation', name);
      for (let i = 0; i < values.length; i++) {
        values[i] =
          initial.kind === 'normal'
            ? stream.normal() * initial.deviation
            : initial.kind === 'uniform'
              ? (2 * stream.uniform() - 1) * initial.bound
              : stream.uniform();
      }
      if (initial.kind === 'directions') scaleToUnit(values, initial.length);
    }
    const kept = fromTorch(layout, torchShape, values);
    tf.tidy(() => {
      this.#variable = tf.variable(tf.tensor(kept, keptShape(layout, torchShape)), trainable);
    });
  }

  /** The variable reshaped to a matrix. */
  as2D(rows: number, columns: number): tf.Tensor2D {
    return tf.reshape(this.variable, [rows, columns]);
  }

  dispose(): void {
    this.#variable?.dispose();
    this.#variable = undefined;
  }
}

/** Cost of one layer for one image. */
export interface LayerCost {
  readonly name: string;
  readonly shape: MapShape;
  /** Multiply-accumulate operations of the forward pass. */
  readonly macs: number;
  /** Number of elements that training keeps from the forward pass for the backward pass. */
  readonly keptElements: number;
}

/**
 * Collects the parameters and costs of a network while it is built from layers. Functions that make layers take a plan,
 * a name (as in torch) and the shape of the input, and return a {@link Layer}. No tensor exists before `allocate`.
 */
export class NetworkPlan {
  readonly slots: ParameterSlot[] = [];
  readonly costs: LayerCost[] = [];

  parameter(spec: ParameterSpec): ParameterSlot {
    const slot = new ParameterSlot(spec);
    this.slots.push(slot);
    return slot;
  }

  cost(name: string, shape: MapShape, macs: number, keptElements: number): void {
    this.costs.push({ name, shape, macs, keptElements });
  }

  allocate(seed: number | null): void {
    for (const slot of this.slots) slot.allocate(seed);
  }

  dispose(): void {
    for (const slot of this.slots) slot.dispose();
  }
}

/** Options of a forward pass: how batch norm is computed. */
export interface ForwardMode {
  readonly training: boolean;
  /** Momentum of the running statistics as torch defines it; torch's default is 0.1. */
  readonly batchNormMomentum: number;
}

/** A function of maps, with the shape of its result. */
export interface Layer {
  readonly shape: MapShape;
  apply(input: tf.Tensor4D, mode: ForwardMode): tf.Tensor4D;
}

/** Applies layers one after the other. */
export function chain(...layers: readonly [Layer, ...Layer[]]): Layer {
  return {
    shape: layers.at(-1)!.shape,
    apply: (input, mode) => layers.reduce((x, layer) => layer.apply(x, mode), input),
  };
}

/** Number of elements of a map. */
export function elements([height, width, channels]: MapShape): number {
  return height * width * channels;
}
