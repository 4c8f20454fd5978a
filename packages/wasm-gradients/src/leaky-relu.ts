import { code, type Code } from '@dskd/base/web-assembly';
import { type LeakyReluAttrs, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { functionsOnHeap } from './heap-functions.js';
import { allocate, floats, withScratch } from './heap.js';
import type { Kernel } from './kernel.js';
import { LESS, load, loadSplat, MULTIPLY, SELECT, store, UNIT, VECTOR } from './vector-instructions.js';

const { get, set, repeat } = code;

type LeakyRelu = (x: number, slope: number, out: number, vectors: number) => void;

/** `out = x < 0 ? slope x : x` */
function leakyReluOfVectors() {
  const [X, SLOPE, OUT, VECTORS, SLOPES, VALUES, ZEROS] = [0, 1, 2, 3, 4, 5, 6];
  const vector: Code = [
    ...[...get(X), ...load(0), ...set(VALUES), ...get(OUT)],
    ...[...get(VALUES), ...get(SLOPES), ...MULTIPLY, ...get(VALUES)],
    ...[...get(VALUES), ...get(ZEROS), ...LESS, ...SELECT, ...store(0)],
    ...[X, OUT].flatMap((local) => code.advance(local, code.constant(VECTOR))),
  ];
  const body = [...get(SLOPE), ...loadSplat(0), ...set(SLOPES), ...repeat(VECTORS, vector)];
  return { parameters: 4, integers: 0, vectors: 3, body };
}

const ASSEMBLIES = { leakyRelu: leakyReluOfVectors };

/** The stock kernel computes one element at a time. */
export function leakyRelu(stock: Kernel): Kernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const x: TensorInfo = inputs.x!;
    const { alpha } = attrs as LeakyReluAttrs;
    const functions = functionsOnHeap<{ leakyRelu: LeakyRelu }>(backend, ASSEMBLIES);
    const size = util.sizeFromShape(x.shape);
    const vectors = Math.floor(size / UNIT);
    if (!functions || x.dtype !== 'float32' || vectors === 0) return stock(call);
    const out = allocate(backend, x.shape);
    withScratch(backend, [1], (slope) => {
      floats(backend, slope)[0] = alpha;
      const [from, by, to] = [x, slope, out].map(({ dataId }) => backend.getMemoryOffset(dataId));
      functions.leakyRelu(from!, by!, to!, vectors);
      const values = floats(backend, x);
      const result = floats(backend, out);
      const rounded = Math.fround(alpha);
      for (let i = UNIT * vectors; i < size; i++) {
        const value = values[i]!;
        result[i] = value < 0 ? rounded * value : value;
      }
    });
    return out;
  };
}
