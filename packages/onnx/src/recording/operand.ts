import { DskdError } from '@dskd/base';
import type { DataType } from '@tensorflow/tfjs-core';
import {
  attribute,
  castTo,
  GraphBuilder,
  type Attributes,
  type ElementType,
  type Graph,
  type Port,
} from '../graph/graph.js';

/** `[batch, height, width, channels]` */
export type MapsShape = readonly [number, number, number, number];

/**
 * Where the values of a recorded tensor are. `constant`: here. `plain`: in a tensor of the graph, of the same shape. `maps`: in a
 * tensor `[batch, channels, height, width]` of the graph, as ONNX convolves; read as `maps`, its values have the order of the
 * recorded tensor, which may have been reshaped since. So a network needs no transpositions between its layers.
 */
export type Form =
  | { readonly kind: 'constant'; readonly data: Float32Array | Int32Array | Uint8Array }
  | { readonly kind: 'plain'; readonly name: string }
  | { readonly kind: 'maps'; readonly name: string; readonly maps: MapsShape };

/** A tensor of TensorFlow.js that was recorded instead of computed. */
export interface Operand {
  readonly shape: readonly number[];
  readonly type: DataType;
  readonly form: Form;
}

export type MapsOperand = Operand & { readonly form: Extract<Form, { kind: 'maps' }> };
export type ConstantOperand = Operand & { readonly form: Extract<Form, { kind: 'constant' }> };

export const isMaps = (operand: Operand): operand is MapsOperand => operand.form.kind === 'maps';
export const isConstant = (operand: Operand): operand is ConstantOperand => operand.form.kind === 'constant';

/** Whether a tensor in the form `maps` has the shape of those maps, and not another one of as many values. */
export function isWhole(operand: MapsOperand): boolean {
  return operand.shape.join() === operand.form.maps.join();
}

/** From `[batch, height, width, channels]` to `[batch, channels, height, width]`, and back. */
export const TO_MAPS = [0, 3, 1, 2] as const;
const FROM_MAPS = [0, 2, 3, 1] as const;

/** Whether the values have one order with channels first and last: of one channel, or one place. */
function isSameOrder([, height, width, channels]: MapsShape): boolean {
  return channels === 1 || height * width === 1;
}

const TYPES: Readonly<Partial<Record<DataType, ElementType>>> = {
  float32: 'float32',
  int32: 'int32',
  bool: 'bool',
};

/** @throws {DskdError} `not-exportable` */
export function elementType(type: DataType): ElementType {
  const known = TYPES[type];
  if (known) return known;
  throw notExportable(`it computes with tensors of ${type}; an export knows float32, int32 and bool`);
}

/** The error of a model that cannot be exported, with the reason as the end of a sentence. */
export function notExportable(reason: string, hint?: string): DskdError {
  return new DskdError('not-exportable', `This model cannot be exported to ONNX: ${reason}.`, {
    hint: hint ?? 'Use the detector with @dskd/detector, or train with a method that can be exported.',
  });
}

/** `data` of `shape` with its axes in another order. */
export function transposed<T extends Float32Array | Int32Array | Uint8Array>(
  data: T,
  shape: readonly number[],
  order: readonly number[],
): T {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, side) => product * side, 1));
  const side = shape[order.at(-1)!]!;
  const step = strides[order.at(-1)!]!;
  // Lines along the last axis of the result, of which the other axes say where each begins.
  const outer = order.slice(0, -1);
  const place = outer.map(() => 0);
  const result = data.slice() as T;
  let begin = 0;
  for (let to = 0; to < result.length; to += side) {
    for (let at = 0; at < side; at++) result[to + at] = data[begin + at * step]!;
    for (let axis = outer.length - 1; axis >= 0; axis--) {
      const own = outer[axis]!;
      begin += strides[own]!;
      place[axis]!++;
      if (place[axis]! < shape[own]!) break;
      begin -= strides[own]! * shape[own]!;
      place[axis] = 0;
    }
  }
  return result;
}

function found(names: readonly WeakMap<Operand, string>[], operand: Operand): string | undefined {
  return names.map((each) => each.get(operand)).find((name) => name !== undefined);
}

/** Writes the nodes of recorded operations, and brings tensors to the form that an operator needs. */
export class Recorder {
  readonly builder = new GraphBuilder();
  /** Names of operands in a form that they did not have; of the graph first, then of the loop that is being recorded. */
  #plain = [new WeakMap<Operand, string>()];
  #maps = [new WeakMap<Operand, string>()];

  node(operator: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.builder.node(operator, inputs, attributes);
  }

  nodeOfTwo(operator: string, inputs: readonly string[], attributes: Attributes): [string, string] {
    return this.builder.nodeOfTwo(operator, inputs, attributes);
  }

  /** Values as a constant of the graph. */
  constant(type: DataType, shape: readonly number[], data: Float32Array | Int32Array | Uint8Array): string {
    return this.builder.constant({ type: elementType(type), shape, data });
  }

  integers(values: readonly number[]): string {
    return this.builder.constant({
      type: 'int64',
      shape: [values.length],
      data: BigInt64Array.from(values, BigInt),
    });
  }

  scalar(value: number): string {
    return this.constant('float32', [], Float32Array.of(value));
  }

  /** The name of a tensor of the graph with shape and order of `operand`. */
  plain(operand: Operand): string {
    const { form, shape, type } = operand;
    if (form.kind === 'plain') return form.name;
    let name = found(this.#plain, operand);
    if (name !== undefined) return name;
    if (form.kind === 'constant') {
      name = this.constant(type, shape, form.data);
    } else {
      const turned = isSameOrder(form.maps)
        ? form.name
        : this.node('Transpose', [form.name], { perm: attribute.ints(FROM_MAPS) });
      const isReady = turned !== form.name && isWhole(operand as MapsOperand);
      name = isReady ? turned : this.reshaped(turned, shape);
    }
    this.#plain.at(-1)!.set(operand, name);
    return name;
  }

  /** The name of a tensor `[batch, channels, height, width]` of the graph with the values of an operand of four axes. */
  maps(operand: Operand): string {
    const { form, shape, type } = operand;
    if (isMaps(operand) && isWhole(operand)) return operand.form.name;
    let name = found(this.#maps, operand);
    if (name !== undefined) return name;
    name =
      form.kind === 'constant'
        ? this.constant(
            type,
            TO_MAPS.map((axis) => shape[axis]!),
            transposed(form.data, shape, TO_MAPS),
          )
        : this.#turned(operand);
    this.#maps.at(-1)!.set(operand, name);
    return name;
  }

  /**
   * Records a loop that ends when a step changes nothing.
   * @param step records one step of a value.
   */
  fixedPoint(start: Operand, step: (value: Operand) => Operand): Operand {
    const { shape, type } = start;
    const { builder } = this;
    const value = builder.newName('value');
    this.#plain.push(new WeakMap());
    this.#maps.push(new WeakMap());
    const { nodes, result } = builder.apart(() => {
      const next = this.plain(step(plainOperand(value, shape, type)));
      const differs = this.node('Not', [this.node('Equal', [next, value])]);
      const numbers = this.node('Cast', [differs], castTo('int32'));
      const any = this.node('ReduceMax', [numbers], { keepdims: attribute.int(0) });
      return {
        next: this.node('Identity', [next]),
        goesOn: this.node('Cast', [any], castTo('bool')),
      };
    });
    this.#plain.pop();
    this.#maps.pop();
    const port = (name: string): Port => ({ name, type: elementType(type), shape });
    const body: Graph = {
      name: builder.newName('step'),
      inputs: [
        { name: builder.newName('iteration'), type: 'int64', shape: [] },
        { name: builder.newName('condition'), type: 'bool', shape: [] },
        port(value),
      ],
      outputs: [{ name: result.goesOn, type: 'bool', shape: [] }, port(result.next)],
      nodes,
      constants: new Map(),
    };
    const inputs = ['', this.constant('bool', [], Uint8Array.of(1)), this.plain(start)];
    return plainOperand(this.node('Loop', inputs, { body: attribute.graph(body) }), shape, type);
  }

  #turned(operand: Operand): string {
    const order = TO_MAPS.map((axis) => operand.shape[axis]!);
    if (isSameOrder(operand.shape as unknown as MapsShape)) return this.reshaped(this.plain(operand), order);
    return this.node('Transpose', [this.plain(operand)], { perm: attribute.ints(TO_MAPS) });
  }

  reshaped(name: string, shape: readonly number[]): string {
    return this.node('Reshape', [name, this.builder.sizesOf('reshape', shape)]);
  }
}

export function plainOperand(name: string, shape: readonly number[], type: DataType = 'float32'): Operand {
  return { shape, type, form: { kind: 'plain', name } };
}

/** @param shape of the recorded tensor. Default: `maps`. */
export function mapsOperand(
  name: string,
  maps: readonly number[],
  shape: readonly number[] = maps,
  type: DataType = 'float32',
): Operand {
  return { shape, type, form: { kind: 'maps', name, maps: maps as unknown as MapsShape } };
}
