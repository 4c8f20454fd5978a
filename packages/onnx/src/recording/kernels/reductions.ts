import { util } from '@tensorflow/tfjs-core';
import { attribute, castTo } from '../../graph/graph.js';
import {
  isMaps,
  isWhole,
  mapsOperand,
  plainOperand,
  TO_MAPS,
  type Operand,
  type Recorder,
} from '../operand.js';
import type { Kernel, Kernels } from './kernel.js';

function axesOf({ shape }: Operand, axis: unknown): number[] {
  return util.parseAxisParam((axis ?? null) as number | number[], [...shape]).sort((a, b) => a - b);
}

/** The shape of a result whose `axes` are reduced. */
function reducedShape(shape: readonly number[], axes: readonly number[], keep: boolean): number[] {
  if (keep) return shape.map((side, axis) => (axes.includes(axis) ? 1 : side));
  return shape.filter((_, axis) => !axes.includes(axis));
}

function reduced(
  recorder: Recorder,
  operator: string,
  name: string,
  axes: readonly number[],
  keep: boolean,
): string {
  const keepdims = attribute.int(keep ? 1 : 0);
  // The axes of a sum are an input since operator set 13, those of the others since 18.
  if (operator === 'ReduceSum') return recorder.node(operator, [name, recorder.integers(axes)], { keepdims });
  return recorder.node(operator, [name], { axes: attribute.ints(axes), keepdims });
}

/** The reduction of maps without a transposition, where its result has an order that needs none. */
function reducedMaps(
  recorder: Recorder,
  operator: string,
  x: Operand,
  axes: readonly number[],
  keep: boolean,
): Operand | null {
  if (!isMaps(x)) return null;
  const { name, maps } = x.form;
  const shape = reducedShape(x.shape, axes, keep);
  if (isWhole(x)) {
    const own = axes.map((axis) => TO_MAPS.indexOf(axis as 0)).sort((a, b) => a - b);
    if (keep) return mapsOperand(reduced(recorder, operator, name, own, true), shape);
    // What is left must not be channels beside places, which are in another order.
    const left = [0, 1, 2, 3].filter((axis) => !axes.includes(axis));
    const mixed = left.includes(3) && (left.includes(1) || left.includes(2));
    return mixed ? null : plainOperand(reduced(recorder, operator, name, own, false), shape);
  }
  // Rows of channels, one for each place.
  const overRows = axes.length === 1 && axes[0] === x.shape.length - 1 && x.shape.at(-1) === maps[3];
  if (!overRows) return null;
  const sums = reduced(recorder, operator, name, [1], true);
  return keep
    ? mapsOperand(sums, [maps[0], maps[1], maps[2], 1], shape)
    : plainOperand(recorder.reshaped(sums, shape), shape);
}

function reduction(operator: string): Kernel {
  return (recorder, { x }, { axis, reductionIndices, keepDims }) => {
    // `Max` has a name of its own for its axes.
    const axes = axesOf(x!, axis ?? reductionIndices);
    const keep = keepDims === true;
    const direct = reducedMaps(recorder, operator, x!, axes, keep);
    if (direct) return direct;
    return plainOperand(
      reduced(recorder, operator, recorder.plain(x!), axes, keep),
      reducedShape(x!.shape, axes, keep),
      x!.type,
    );
  };
}

/** ONNX has no reduction of booleans. */
function logical(operator: string): Kernel {
  return (recorder, { x }, { axis, keepDims }) => {
    const axes = axesOf(x!, axis);
    const keep = keepDims === true;
    const bytes = recorder.node('Cast', [recorder.plain(x!)], castTo('int32'));
    const name = recorder.node('Cast', [reduced(recorder, operator, bytes, axes, keep)], castTo('bool'));
    return plainOperand(name, reducedShape(x!.shape, axes, keep), 'bool');
  };
}

function place(operator: string): Kernel {
  return (recorder, { x }, { axis }) => {
    const [only] = axesOf(x!, axis);
    const found = recorder.node(operator, [recorder.plain(x!)], {
      axis: attribute.int(only!),
      keepdims: attribute.int(0),
    });
    const name = recorder.node('Cast', [found], castTo('int32'));
    return plainOperand(name, reducedShape(x!.shape, [only!], false), 'int32');
  };
}

const topK: Kernel = (recorder, { x }, { k, sorted }) => {
  const count = k as number;
  const shape = [...x!.shape.slice(0, -1), count];
  const [values, places] = recorder.nodeOfTwo('TopK', [recorder.plain(x!), recorder.integers([count])], {
    axis: attribute.int(-1),
    sorted: attribute.int(sorted === false ? 0 : 1),
  });
  const indices = recorder.node('Cast', [places], castTo('int32'));
  return [plainOperand(values, shape, x!.type), plainOperand(indices, shape, 'int32')];
};

const softmax: Kernel = (recorder, { logits }, { dim }) => {
  const axis = (dim as number) < 0 ? (dim as number) + logits!.shape.length : (dim as number);
  const name = recorder.node('Softmax', [recorder.plain(logits!)], { axis: attribute.int(axis) });
  return plainOperand(name, logits!.shape);
};

/** Operations that bring several values to one. */
export const REDUCTIONS: Kernels = {
  All: logical('ReduceMin'),
  Any: logical('ReduceMax'),
  ArgMax: place('ArgMax'),
  ArgMin: place('ArgMin'),
  Max: reduction('ReduceMax'),
  Mean: reduction('ReduceMean'),
  Min: reduction('ReduceMin'),
  Prod: reduction('ReduceProd'),
  Softmax: softmax,
  Sum: reduction('ReduceSum'),
  TopK: topK,
};
