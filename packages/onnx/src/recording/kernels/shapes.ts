import { slice_util, util } from '@tensorflow/tfjs-core';
import { attribute, castTo } from '../../graph/graph.js';
import {
  isMaps,
  isWhole,
  mapsOperand,
  notExportable,
  plainOperand,
  TO_MAPS,
  type MapsOperand,
  type Operand,
  type Recorder,
} from '../operand.js';
import type { Kernel, Kernels } from './kernel.js';

/** Past the end of any axis. */
const END = Number.MAX_SAFE_INTEGER;

const identity: Kernel = (_, { x }) => ({ ...x! });

function reshaped(recorder: Recorder, x: Operand, shape: readonly number[]): Operand {
  // Rows of all channels of a place stay such rows.
  if (isMaps(x) && shape.at(-1) === x.form.maps[3])
    return mapsOperand(x.form.name, x.form.maps, shape, x.type);
  return plainOperand(recorder.reshaped(recorder.plain(x), shape), shape, x.type);
}

const reshape: Kernel = (recorder, { x }, { shape }) =>
  reshaped(recorder, x!, util.inferFromImplicitShape(shape as number[], util.sizeFromShape([...x!.shape])));

const expandDims: Kernel = (recorder, { input }, { dim }) => {
  const shape = [...input!.shape];
  shape.splice((dim as number) < 0 ? (dim as number) + shape.length + 1 : (dim as number), 0, 1);
  return reshaped(recorder, input!, shape);
};

const transpose: Kernel = (recorder, { x }, { perm }) => {
  const order = perm as number[];
  const name = recorder.node('Transpose', [recorder.plain(x!)], { perm: attribute.ints(order) });
  return plainOperand(name, order.map((axis) => x!.shape[axis]!), x!.type); // prettier-ignore
};

/** Rows of channels with the same places, or maps. */
function joinsChannels(operands: readonly Operand[], axis: number): operands is MapsOperand[] {
  const [first] = operands as [MapsOperand];
  return operands.every(
    (operand) =>
      isMaps(operand) &&
      axis === operand.shape.length - 1 &&
      operand.shape.at(-1) === operand.form.maps[3] &&
      operand.shape.slice(0, -1).join() === first.shape.slice(0, -1).join() &&
      operand.form.maps.slice(0, 3).join() === first.form.maps.slice(0, 3).join(),
  );
}

function concatenated(recorder: Recorder, operands: readonly Operand[], axis: number): Operand {
  const [first] = operands as [Operand];
  const shape = first.shape.map((side, at) =>
    at === axis ? operands.reduce((sum, operand) => sum + operand.shape[axis]!, 0) : side,
  );
  const join = (names: readonly string[], at: number): string =>
    recorder.node('Concat', names, { axis: attribute.int(at) });
  if (joinsChannels(operands, axis)) {
    const name = join(operands.map(({ form }) => form.name), 1); // prettier-ignore
    const maps = [...operands[0]!.form.maps.slice(0, 3), shape.at(-1)!];
    return mapsOperand(name, maps, shape, first.type);
  }
  if (shape.length === 4 && operands.some((operand) => isMaps(operand) && isWhole(operand))) {
    const name = join(operands.map((operand) => recorder.maps(operand)), TO_MAPS.indexOf(axis as 0)); // prettier-ignore
    return mapsOperand(name, shape, shape, first.type);
  }
  const name = join(operands.map((operand) => recorder.plain(operand)), axis); // prettier-ignore
  return plainOperand(name, shape, first.type);
}

const concat: Kernel = (recorder, inputs, { axis }) => {
  const operands = Object.values(inputs).filter(({ shape }) => util.sizeFromShape([...shape]) > 0);
  const [at] = util.parseAxisParam(axis as number, [...operands[0]!.shape]);
  return operands.length === 1 ? { ...operands[0]! } : concatenated(recorder, operands, at!);
};

/** The part of a tensor from `begin` on, `size` values along each axis. */
function sliced(recorder: Recorder, x: Operand, begin: readonly number[], size: readonly number[]): Operand {
  const axes = size.flatMap((side, axis) => (side === x.shape[axis] ? [] : [axis]));
  if (axes.length === 0) return { ...x };
  const node = (name: string, order: readonly number[]): string => {
    const ends = axes.map((axis) =>
      begin[axis]! + size[axis]! === x.shape[axis] ? END : begin[axis]! + size[axis]!,
    );
    const starts = axes.map((axis) => begin[axis]!);
    return recorder.node('Slice', [
      name,
      ...[starts, ends, order].map((values) => recorder.integers(values)),
    ]);
  };
  if (isMaps(x)) {
    const { name, maps } = x.form;
    if (isWhole(x)) return mapsOperand(node(name, axes.map((axis) => TO_MAPS.indexOf(axis as 0))), size, size, x.type); // prettier-ignore
    const last = x.shape.length - 1;
    if (axes.length === 1 && axes[0] === last && x.shape[last] === maps[3]) {
      return mapsOperand(node(name, [1]), [...maps.slice(0, 3), size[last]!], size, x.type);
    }
  }
  return plainOperand(node(recorder.plain(x), axes), size, x.type);
}

const slice: Kernel = (recorder, { x }, attributes) => {
  const info = { dataId: {}, shape: [...x!.shape], dtype: x!.type };
  const [begin, size] = slice_util.parseSliceParams(
    info,
    attributes.begin as number[],
    attributes.size as number[],
  );
  return sliced(recorder, x!, begin!, size!);
};

const split: Kernel = (recorder, { x }, { numOrSizeSplits, axis }) => {
  const [at] = util.parseAxisParam(axis as number, [...x!.shape]);
  const whole = x!.shape[at!]!;
  const sizes = Array.isArray(numOrSizeSplits)
    ? (numOrSizeSplits as number[])
    : Array.from({ length: numOrSizeSplits as number }, () => whole / (numOrSizeSplits as number));
  let from = 0;
  return sizes.map((side) => {
    const begin = x!.shape.map((_, other) => (other === at ? from : 0));
    from += side;
    return sliced(recorder, x!, begin, x!.shape.map((all, other) => (other === at ? side : all))); // prettier-ignore
  });
};

const pack: Kernel = (recorder, inputs, { axis }) => {
  const rows = Object.values(inputs).map(
    (operand) => expandDims(recorder, { input: operand }, { dim: axis }) as Operand,
  );
  const at = (axis as number) < 0 ? (axis as number) + rows[0]!.shape.length : (axis as number);
  return rows.length === 1 ? rows[0]! : concatenated(recorder, rows, at);
};

const unpack: Kernel = (recorder, { value }, { axis }) => {
  const [at] = util.parseAxisParam(axis as number, [...value!.shape]);
  const shape = value!.shape.filter((_, other) => other !== at);
  return Array.from({ length: value!.shape[at!]! }, (_, index) => {
    const place = recorder.constant('int32', [], Int32Array.of(index));
    const name = recorder.node('Gather', [recorder.plain(value!), place], { axis: attribute.int(at!) });
    return plainOperand(name, shape, value!.type);
  });
};

function padded(mode: string): Kernel {
  return (recorder, { x }, attributes) => {
    const paddings = attributes.paddings as [number, number][];
    const shape = x!.shape.map((side, axis) => side + paddings[axis]![0] + paddings[axis]![1]);
    const node = (name: string, order: readonly number[]): string => {
      const pads = [0, 1].flatMap((end) => order.map((axis) => paddings[axis]![end as 0 | 1]));
      const value = recorder.constant(x!.type, [], filledLike(x!, (attributes.constantValue ?? 0) as number));
      return recorder.node('Pad', [name, recorder.integers(pads), value], { mode: attribute.string(mode) });
    };
    if (isMaps(x!) && isWhole(x)) return mapsOperand(node(x.form.name, TO_MAPS), shape, shape, x.type);
    return plainOperand(node(recorder.plain(x!), shape.map((_, axis) => axis)), shape, x!.type); // prettier-ignore
  };
}

function filledLike({ type }: Operand, value: number): Float32Array | Int32Array {
  return type === 'int32' ? Int32Array.of(value) : Float32Array.of(value);
}

/** Pixels at the edge are mirrored: `reflect` does not repeat the outermost one. */
const mirrorPad: Kernel = (recorder, inputs, attributes) => {
  if (attributes.mode !== 'reflect') throw notExportable(`it pads by mode ${String(attributes.mode)}`);
  return padded('reflect')(recorder, inputs, attributes);
};

const gather: Kernel = (recorder, { x, indices }, { axis, batchDims }) => {
  if (batchDims !== 0) throw notExportable('it gathers other values of each image (batchDims)');
  const [at] = util.parseAxisParam(axis as number, [...x!.shape]);
  const shape = [...x!.shape.slice(0, at), ...indices!.shape, ...x!.shape.slice(at! + 1)];
  const places = recorder.plain(indices!);
  const node = (name: string, along: number): string =>
    recorder.node('Gather', [name, places], { axis: attribute.int(along) });
  if (isMaps(x!) && isWhole(x) && indices!.shape.length === 1) {
    return mapsOperand(node(x.form.name, TO_MAPS.indexOf(at as 0)), shape, shape, x.type);
  }
  return plainOperand(node(recorder.plain(x!), at!), shape, x!.type);
};

const tile: Kernel = (recorder, { x }, { reps }) => {
  const times = reps as number[];
  const shape = x!.shape.map((side, axis) => side * times[axis]!);
  const name = recorder.node('Tile', [recorder.plain(x!), recorder.builder.sizesOf('tile', times)]);
  return plainOperand(name, shape, x!.type);
};

const segmentSum: Kernel = (recorder, { x, segmentIds }, { numSegments }) => {
  const shape = [numSegments as number, ...x!.shape.slice(1)];
  const zeros = recorder.constant(x!.type, shape, filledData({ ...x!, shape }, 0));
  const places = recorder.node('Unsqueeze', [recorder.plain(segmentIds!), recorder.integers([1])]);
  const indices = recorder.node('Cast', [places], castTo('int64'));
  const name = recorder.node('ScatterND', [zeros, indices, recorder.plain(x!)], {
    reduction: attribute.string('add'),
  });
  return plainOperand(name, shape, x!.type);
};

/** Values that are all the same are a constant, whatever they are like. */
function filled(value: number): Kernel {
  return (_, { x }) => ({
    shape: x!.shape,
    type: x!.type,
    form: { kind: 'constant', data: filledData(x!, value) },
  });
}

function filledData({ shape, type }: Operand, value: number): Float32Array | Int32Array | Uint8Array {
  const size = util.sizeFromShape([...shape]);
  if (type === 'bool') return new Uint8Array(size).fill(value);
  return type === 'int32' ? new Int32Array(size).fill(value) : new Float32Array(size).fill(value);
}

/** Operations that move values and do not change them. */
export const SHAPES: Kernels = {
  Concat: concat,
  ExpandDims: expandDims,
  GatherV2: gather,
  Identity: identity,
  MirrorPad: mirrorPad,
  OnesLike: filled(1),
  Pack: pack,
  PadV2: padded('constant'),
  Reshape: reshape,
  Slice: slice,
  SplitV: split,
  Tile: tile,
  Transpose: transpose,
  Unpack: unpack,
  UnsortedSegmentSum: segmentSum,
  ZerosLike: filled(0),
};
