import { backend_util, type DataType } from '@tensorflow/tfjs-core';
import { attribute, castTo, type Attributes } from '../../graph/graph.js';
import {
  elementType,
  isConstant,
  isMaps,
  isWhole,
  mapsOperand,
  plainOperand,
  transposed,
  TO_MAPS,
  type ConstantOperand,
  type MapsOperand,
  type Operand,
  type Recorder,
} from '../operand.js';
import type { Kernel, Kernels } from './kernel.js';

/** Applies an operator of one input to each value. */
function eachValue(recorder: Recorder, x: Operand, type: DataType, write: (name: string) => string): Operand {
  return isMaps(x)
    ? mapsOperand(write(x.form.name), x.form.maps, x.shape, type)
    : plainOperand(write(recorder.plain(x)), x.shape, type);
}

function unary(
  operator: string,
  attributesOf: (given: Readonly<Record<string, unknown>>) => Attributes = () => ({}),
): Kernel {
  return (recorder, { x }, given) =>
    eachValue(recorder, x!, x!.type, (name) => recorder.node(operator, [name], attributesOf(given)));
}

/** Several values as inputs of one operator that broadcasts, and the form of its result. */
interface Aligned {
  readonly names: readonly [string, string];
  result(name: string, type: DataType): Operand;
}

/** A constant beside maps: one value, one value a channel, or values of maps. Null where it is none of these. */
function beside(recorder: Recorder, maps: MapsOperand, other: ConstantOperand): string | null {
  const { shape, type, form } = other;
  const channels = maps.form.maps[3];
  if (form.data.length === 1) return recorder.constant(type, [], form.data);
  if (form.data.length === channels && shape.at(-1) === channels && maps.shape.at(-1) === channels) {
    return recorder.constant(type, [channels, 1, 1], form.data);
  }
  if (!isWhole(maps)) return null;
  const whole = [...Array.from({ length: 4 - shape.length }, () => 1), ...shape];
  return recorder.constant(type, TO_MAPS.map((axis) => whole[axis]!), transposed(form.data, whole, TO_MAPS)); // prettier-ignore
}

function alignedAsMaps(recorder: Recorder, maps: MapsOperand, other: Operand): Aligned | null {
  const shape = backend_util.assertAndGetBroadcastShape([...maps.shape], [...other.shape]);
  if (isConstant(other)) {
    const name = shape.join() === maps.shape.join() ? beside(recorder, maps, other) : null;
    return name === null
      ? null
      : {
          names: [maps.form.name, name],
          result: (to, type) => mapsOperand(to, maps.form.maps, maps.shape, type),
        };
  }
  if (
    isMaps(other) &&
    other.form.maps.join() === maps.form.maps.join() &&
    other.shape.join() === maps.shape.join()
  ) {
    return {
      names: [maps.form.name, other.form.name],
      result: (to, type) => mapsOperand(to, maps.form.maps, maps.shape, type),
    };
  }
  // Vectors of the channels after a reshape: the last axis may have become one value.
  if (isMaps(other) && !isWhole(maps) && sameButChannels(maps, other)) {
    const channels = Math.max(maps.form.maps[3], other.form.maps[3]);
    const whole = [...maps.form.maps.slice(0, 3), channels];
    return {
      names: [maps.form.name, other.form.name],
      result: (to, type) => mapsOperand(to, whole, shape, type),
    };
  }
  if (!isWhole(maps) || other.shape.length !== 4) return null;
  return {
    names: [maps.form.name, recorder.maps(other)],
    result: (to, type) => mapsOperand(to, shape, shape, type),
  };
}

function sameButChannels(a: MapsOperand, b: MapsOperand): boolean {
  const places = (operand: MapsOperand): string => operand.form.maps.slice(0, 3).join();
  const last = (operand: MapsOperand): boolean => operand.shape.at(-1) === operand.form.maps[3];
  const rows = (operand: MapsOperand): string => operand.shape.slice(0, -1).join();
  return places(a) === places(b) && rows(a) === rows(b) && last(a) && last(b);
}

function aligned(recorder: Recorder, a: Operand, b: Operand): Aligned {
  const direct = isMaps(a) ? alignedAsMaps(recorder, a, b) : null;
  if (direct) return direct;
  const turned = isMaps(b) ? alignedAsMaps(recorder, b, a) : null;
  if (turned) return { ...turned, names: [turned.names[1], turned.names[0]] };
  const shape = backend_util.assertAndGetBroadcastShape([...a.shape], [...b.shape]);
  return {
    names: [recorder.plain(a), recorder.plain(b)],
    result: (to, type) => plainOperand(to, shape, type),
  };
}

/** The result of an operator of two inputs that broadcasts. */
export function combined(
  recorder: Recorder,
  operator: string,
  a: Operand,
  b: Operand,
  type = a.type,
): Operand {
  const inputs = aligned(recorder, a, b);
  return inputs.result(recorder.node(operator, inputs.names), type);
}

function binary(operator: string, type?: DataType): Kernel {
  return (recorder, { a, b }) => combined(recorder, operator, a!, b!, type);
}

/** The constant `value`, to be combined with anything. */
export function scalarOperand(value: number): Operand {
  return { shape: [], type: 'float32', form: { kind: 'constant', data: Float32Array.of(value) } };
}

const cast: Kernel = (recorder, { x }, { dtype }) => {
  const type = dtype as DataType;
  if (x!.type === type) return x!;
  const to = castTo(elementType(type));
  return eachValue(recorder, x!, type, (name) => recorder.node('Cast', [name], to));
};

const select: Kernel = (recorder, { condition, t, e }) => {
  const shape = backend_util.assertAndGetBroadcastShape(
    backend_util.assertAndGetBroadcastShape([...condition!.shape], [...t!.shape]),
    [...e!.shape],
  );
  const names = [condition!, t!, e!].map((operand) => recorder.plain(operand));
  return plainOperand(recorder.node('Where', names), shape, t!.type);
};

const clip: Kernel = (recorder, { x }, { clipValueMin, clipValueMax }) =>
  eachValue(recorder, x!, x!.type, (name) =>
    recorder.node('Clip', [
      name,
      recorder.scalar(clipValueMin as number),
      recorder.scalar(clipValueMax as number),
    ]),
  );

const one = scalarOperand(1);
const square: Kernel = (recorder, { x }) => combined(recorder, 'Mul', x!, x!);

const squaredDifference: Kernel = (recorder, { a, b }) => {
  const difference = combined(recorder, 'Sub', a!, b!);
  return combined(recorder, 'Mul', difference, difference);
};

const rsqrt: Kernel = (recorder, { x }) =>
  eachValue(recorder, x!, x!.type, (name) => recorder.node('Reciprocal', [recorder.node('Sqrt', [name])]));

const leakyRelu = unary('LeakyRelu', ({ alpha }) => ({ alpha: attribute.float(alpha as number) }));
const elu = unary('Elu', () => ({ alpha: attribute.float(1) }));

const relu6: Kernel = (recorder, inputs) => clip(recorder, inputs, { clipValueMin: 0, clipValueMax: 6 });
const expm1: Kernel = (recorder, { x }) =>
  combined(
    recorder,
    'Sub',
    eachValue(recorder, x!, x!.type, (name) => recorder.node('Exp', [name])),
    one,
  );
const log1p: Kernel = (recorder, { x }) => {
  const sum = combined(recorder, 'Add', x!, one);
  return eachValue(recorder, sum, x!.type, (name) => recorder.node('Log', [name]));
};

const notEqual: Kernel = (recorder, { a, b }) => {
  const equal = combined(recorder, 'Equal', a!, b!, 'bool');
  return eachValue(recorder, equal, 'bool', (name) => recorder.node('Not', [name]));
};

const addAll: Kernel = (recorder, inputs) => {
  const [first, ...others] = Object.values(inputs);
  return others.reduce((sum, next) => combined(recorder, 'Add', sum, next), first!);
};

/** An activation of a fused operation. */
export function activated(recorder: Recorder, x: Operand, given: Readonly<Record<string, unknown>>): Operand {
  const name = (given.activation ?? 'linear') as string;
  if (name === 'linear') return x;
  const kernels: Kernels = {
    relu: ELEMENTWISE.Relu!,
    relu6,
    elu,
    sigmoid: ELEMENTWISE.Sigmoid!,
    leakyrelu: (to, inputs) => leakyRelu(to, inputs, { alpha: given.leakyreluAlpha }),
  };
  return kernels[name]!(recorder, { x }, {}) as Operand;
}

/** Operations that compute each value of a result from one value of each input. */
export const ELEMENTWISE: Kernels = {
  Abs: unary('Abs'),
  Add: binary('Add'),
  AddN: addAll,
  Cast: cast,
  ClipByValue: clip,
  Elu: elu,
  Equal: binary('Equal', 'bool'),
  Exp: unary('Exp'),
  Expm1: expm1,
  Floor: unary('Floor'),
  Greater: binary('Greater', 'bool'),
  GreaterEqual: binary('GreaterOrEqual', 'bool'),
  LeakyRelu: leakyRelu,
  Less: binary('Less', 'bool'),
  LessEqual: binary('LessOrEqual', 'bool'),
  Log: unary('Log'),
  Log1p: log1p,
  LogicalAnd: binary('And', 'bool'),
  LogicalNot: unary('Not'),
  LogicalOr: binary('Or', 'bool'),
  Maximum: binary('Max'),
  Minimum: binary('Min'),
  Multiply: binary('Mul'),
  Neg: unary('Neg'),
  NotEqual: notEqual,
  Pow: binary('Pow'),
  Prelu: (recorder, { x, alpha }) => combined(recorder, 'PRelu', x!, alpha!),
  RealDiv: binary('Div'),
  Reciprocal: unary('Reciprocal'),
  Relu: unary('Relu'),
  Relu6: relu6,
  Rsqrt: rsqrt,
  Select: select,
  Sigmoid: unary('Sigmoid'),
  Softplus: unary('Softplus'),
  Sqrt: unary('Sqrt'),
  Square: square,
  SquaredDifference: squaredDifference,
  Sub: binary('Sub'),
  Tanh: unary('Tanh'),
};
