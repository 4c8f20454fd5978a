import { code, type Code } from '@dskd/base/web-assembly';
import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { functionsOnHeap } from './heap-functions.js';
import { allocate, floats, withScratch } from './heap.js';
import type { Kernel } from './kernel.js';
import { ADD, load, MULTIPLY, store, SUBTRACT, VECTOR } from './vector-instructions.js';

// Arithmetic of an image and one number for each channel, as when images or batches are normalized. The stock kernels compute the place of each
// operand from that of the result, element by element.

const { get, set, repeat } = code;

/** `out = x operation channels`, for groups of 4 pixels, against which the channels are repeated 4 times. */
function byGroups(operation: Code) {
  const [X, CHANNELS, OUT, GROUPS, VECTORS] = [0, 1, 2, 3, 4];
  const [CHANNELS_AT, COUNTER] = [5, 6];
  const vector = [
    ...[...get(OUT), ...get(X), ...load(0), ...get(CHANNELS_AT), ...load(0), ...operation, ...store(0)],
    ...[X, CHANNELS_AT, OUT].flatMap((local) => code.advance(local, code.constant(VECTOR))),
  ];
  const group = [
    ...[...get(CHANNELS), ...set(CHANNELS_AT), ...get(VECTORS), ...set(COUNTER)],
    ...repeat(COUNTER, vector),
  ];
  return { parameters: 5, integers: 2, vectors: 0, body: repeat(GROUPS, group) };
}

type Groups = (x: number, channels: number, out: number, groups: number, vectors: number) => void;

const ASSEMBLIES = {
  add: () => byGroups(ADD),
  subtract: () => byGroups(SUBTRACT),
  multiply: () => byGroups(MULTIPLY),
};

/** What is left is done as JavaScript does: 64 bits that are rounded to 32 are what the operation with 32 bits gives. */
const OPERATIONS: Readonly<Record<keyof typeof ASSEMBLIES, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
};

function isByChannel(a: TensorInfo, b: TensorInfo): boolean {
  const channels = util.sizeFromShape(b.shape);
  return (
    a.dtype === 'float32' &&
    b.dtype === 'float32' &&
    channels > 0 &&
    b.shape.length > 0 &&
    b.shape.length <= a.shape.length &&
    b.shape.at(-1) === channels &&
    a.shape.at(-1) === channels
  );
}

const byChannel =
  (name: keyof typeof ASSEMBLIES, stock: Kernel): Kernel =>
  (call) => {
    const { inputs, backend } = call;
    const { a, b } = inputs as Record<'a' | 'b', TensorInfo>;
    const functions = functionsOnHeap<Record<keyof typeof ASSEMBLIES, Groups>>(backend, ASSEMBLIES);
    if (!functions || !isByChannel(a, b)) return stock(call);
    const out = allocate(backend, a.shape);
    const channels = util.sizeFromShape(b.shape);
    const groups = Math.floor(util.sizeFromShape(a.shape) / (4 * channels));
    withScratch(backend, [4 * channels], (repeated) => {
      const [x, fours, result] = [a, repeated, out].map((info) => floats(backend, info)) as [
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      for (let i = 0; i < 4; i++) fours.set(floats(backend, b), i * channels);
      if (groups > 0) {
        const [from, by, to] = [a, repeated, out].map(({ dataId }) => backend.getMemoryOffset(dataId)) as [
          number,
          number,
          number,
        ];
        functions[name](from, by, to, groups, channels);
      }
      for (let i = 4 * channels * groups; i < result.length; i++) {
        result[i] = OPERATIONS[name](x[i]!, fours[i % channels]!);
      }
    });
    return out;
  };

/** Add where the second summand is `[channels]`. */
export const add = (stock: Kernel): Kernel => byChannel('add', stock);

/** Multiply where the second factor is `[channels]`. */
export const multiply = (stock: Kernel): Kernel => byChannel('multiply', stock);

/** Sub where what is subtracted is `[channels]`. */
export const subtract = (stock: Kernel): Kernel => byChannel('subtract', stock);
