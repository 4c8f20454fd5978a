import * as ort from 'onnxruntime-node';
import { encodeModel } from './graph/encode.js';
import type { Graph } from './graph/graph.js';

/** Values of a tensor in row-major order. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}

/** Runs a graph by ONNX Runtime. */
export async function runGraph(
  graph: Graph,
  inputs: Readonly<Record<string, Values>>,
): Promise<Record<string, Values>> {
  const session = await ort.InferenceSession.create(encodeModel(graph, {}));
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, data }]) => {
      const type = data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'uint8';
      return [name, new ort.Tensor(type, data as Float32Array, [...shape])] as const;
    }),
  );
  const results = await session.run(feeds);
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { dims, data }]) => [
      name,
      { shape: dims, data: data as Float32Array },
    ]),
  );
}
