import type * as tf from '@tensorflow/tfjs-core';
import {
  batchFactor,
  ofAnyBatch,
  ofOneBatch,
  RECORDED_BATCHES,
  type Body,
  type Recording,
} from '../graph/any-batch.js';
import { attribute, integers, type Graph, type Node, type Port } from '../graph/graph.js';
import { simplify } from '../graph/simplify.js';
import { record, type Recorded, type Results } from './backend.js';
import { elementType, plainOperand, type Operand, type Recorder } from './operand.js';

/** A computation on batches of images. */
export interface Computation {
  readonly name: string;
  /** The first axis of each is the batch, `null`. */
  readonly inputs: readonly Port[];
  /** Brings inputs of the graph to what {@link compute} takes, with nodes. Default: as they are. */
  prepare?(recorder: Recorder, inputs: readonly Operand[]): readonly Operand[];
  /** The first axis of each result is the batch. */
  compute(tensors: readonly tf.Tensor[]): Promise<Results>;
}

function recordBatch(computation: Computation, batch: number, names: readonly string[]): Promise<Recorded> {
  const { inputs } = computation;
  return record(
    (recorder) => {
      const given = inputs.map(({ type, shape }, at) => {
        const sides = shape.map((side) => side ?? batch);
        // TensorFlow.js has no type of bytes: `prepare` casts them.
        return plainOperand(
          names[at]!,
          sides,
          type === 'uint8' ? 'int32' : type === 'int64' ? 'int32' : type,
        );
      });
      return computation.prepare?.(recorder, given) ?? given;
    },
    (tensors) => computation.compute(tensors),
  );
}

/** The nodes of a recording, with its results under their own names. */
function withResults({ recorder, results }: Recorded, rename: (name: string) => string): Recording {
  const own: Node[] = [...results].map(([name, operand]) => ({
    operator: 'Identity',
    inputs: [recorder.plain(operand)],
    outputs: [rename(name)],
    attributes: {},
  }));
  const { nodes, constants, sizes } = recorder.builder;
  return { nodes: [...nodes, ...own], constants, sizes };
}

function outputPorts({ results }: Recorded, other: Recorded): Port[] {
  return [...results].map(([name, { shape, type }]) => {
    const second = other.results.get(name)!.shape;
    return {
      name,
      type: elementType(type),
      shape: shape.map((side, axis) => (batchFactor(side, second[axis]!) === 1 ? null : side)),
    };
  });
}

/** The computation for any number of images at once; null where it depends on that number. */
async function recordTogether(computation: Computation): Promise<Graph | null> {
  const { name, inputs } = computation;
  const names = inputs.map((port) => port.name);
  const [small, large] = RECORDED_BATCHES;
  const one = await recordBatch(computation, small, names);
  const other = await recordBatch(computation, large, names);
  const same = (own: string): string => own;
  const body = ofAnyBatch(withResults(one, same), withResults(other, same), names[0]!);
  if (!body) return null;
  return graphOf(name, inputs, outputPorts(one, other), body);
}

function graphOf(name: string, inputs: readonly Port[], outputs: readonly Port[], body: Body): Graph {
  const simple = simplify(body, outputs.map((port) => port.name)); // prettier-ignore
  return { name, inputs, outputs, ...simple };
}

/** The computation for one image, and a loop over the images around it. */
async function recordEach(computation: Computation): Promise<Graph> {
  const { name, inputs } = computation;
  const inner = inputs.map((port) => `${port.name}_of_one`);
  const recorded = await recordBatch(computation, 1, inner);
  const { nodes, constants } = ofOneBatch(withResults(recorded, (own) => `${own}_of_one`));
  const before: Node[] = inputs.map((port, at) => ({
    operator: 'Unsqueeze',
    inputs: [`${port.name}_alone`, 'first_axis'],
    outputs: [inner[at]!],
    attributes: {},
  }));
  const outputs: Port[] = [...recorded.results].map(([own, { shape, type }]) => ({
    name: own,
    type: elementType(type),
    shape: [null, ...shape.slice(1)],
  }));
  const after: Node[] = outputs.map((port) => ({
    operator: 'Squeeze',
    inputs: [`${port.name}_of_one`, 'first_axis'],
    outputs: [`${port.name}_alone`],
    attributes: {},
  }));
  const alone = (port: Port): Port => ({ ...port, name: `${port.name}_alone`, shape: port.shape.slice(1) });
  const body = graphOf(`${name}_of_one_image`, inputs.map(alone), outputs.map(alone), {
    nodes: [...before, ...nodes, ...after],
    constants: new Map([...constants, ['first_axis', integers([0])]]),
  });
  const loop: Node = {
    operator: 'Scan',
    inputs: inputs.map((port) => port.name),
    outputs: outputs.map((port) => port.name),
    attributes: { body: attribute.graph(body), num_scan_inputs: attribute.int(inputs.length) },
  };
  return { name, inputs, outputs, nodes: [loop], constants: new Map() };
}

/**
 * Records a computation as a graph that takes any number of images. Where what is computed depends on that number, as in a
 * loop over images, it is recorded for one image, and the graph loops.
 * @throws {DskdError} `not-exportable`
 */
export async function recordGraph(computation: Computation): Promise<Graph> {
  return (await recordTogether(computation)) ?? (await recordEach(computation));
}
