import { backend_util } from '@tensorflow/tfjs-core';
import { attribute, type Attributes } from '../../graph/graph.js';
import {
  isConstant,
  isMaps,
  mapsOperand,
  notExportable,
  plainOperand,
  transposed,
  type ConstantOperand,
  type Operand,
  type Recorder,
} from '../operand.js';
import { activated, combined } from './elementwise.js';
import type { Inputs, Kernel, Kernels } from './kernel.js';

type Given = Readonly<Record<string, unknown>>;

function filterOf(filter: Operand): ConstantOperand {
  if (isConstant(filter)) return filter;
  throw notExportable('it convolves with filters that it computes from the images');
}

function assertChannelsLast({ dataFormat }: Given): void {
  if (dataFormat === undefined || dataFormat === 'NHWC') return;
  throw notExportable(`it convolves in the format ${dataFormat as string}`);
}

function pads({ top, bottom, left, right }: backend_util.PadInfo): Attributes {
  return { pads: attribute.ints([top, left, bottom, right]) };
}

/** A convolution of maps, with weights `[outputs, inputs, rows, columns]` of the graph. */
function convolved(
  recorder: Recorder,
  x: Operand,
  weights: string,
  info: backend_util.Conv2DInfo,
  groups: number,
): Operand {
  const name = recorder.node('Conv', [recorder.maps(x), weights], {
    kernel_shape: attribute.ints([info.filterHeight, info.filterWidth]),
    strides: attribute.ints([info.strideHeight, info.strideWidth]),
    dilations: attribute.ints([info.dilationHeight, info.dilationWidth]),
    group: attribute.int(groups),
    ...pads(info.padInfo),
  });
  return mapsOperand(name, info.outShape);
}

function infoOf(
  x: readonly number[],
  filter: readonly number[],
  given: Given,
  depthwise: boolean,
): backend_util.Conv2DInfo {
  assertChannelsLast(given);
  return backend_util.computeConv2DInfo(
    x as [number, number, number, number],
    filter as [number, number, number, number],
    given.strides as number,
    (given.dilations ?? 1) as number,
    given.pad as 'same',
    given.dimRoundingMode as 'floor' | undefined,
    depthwise,
  );
}

const convolution: Kernel = (recorder, { x, filter }, given) => {
  const { shape, form } = filterOf(filter!);
  const weights = recorder.constant('float32', [3, 2, 0, 1].map((axis) => shape[axis]!), transposed(form.data, shape, [3, 2, 0, 1])); // prettier-ignore
  const groups = x!.shape[3]! / shape[2]!;
  return convolved(recorder, x!, weights, infoOf(x!.shape, shape, given, false), groups);
};

const depthwiseConvolution: Kernel = (recorder, { x, filter }, given) => {
  const { shape, form } = filterOf(filter!);
  const [rows, columns, channels, times] = shape as [number, number, number, number];
  const weights = recorder.constant('float32', [channels * times, 1, rows, columns], transposed(form.data, shape, [2, 3, 0, 1])); // prettier-ignore
  return convolved(recorder, x!, weights, infoOf(x!.shape, shape, given, true), channels);
};

const transposedConvolution: Kernel = (recorder, { dy, filter }, given) => {
  const { shape, form } = filterOf(filter!);
  const info = infoOf(given.inputShape as number[], shape, given, false);
  const weights = recorder.constant('float32', [3, 2, 0, 1].map((axis) => shape[axis]!), transposed(form.data, shape, [3, 2, 0, 1])); // prettier-ignore
  const { top, bottom, left, right } = info.padInfo;
  const rest = [
    info.inHeight - ((info.outHeight - 1) * info.strideHeight + info.filterHeight - top - bottom),
    info.inWidth - ((info.outWidth - 1) * info.strideWidth + info.filterWidth - left - right),
  ];
  const name = recorder.node('ConvTranspose', [recorder.maps(dy!), weights], {
    kernel_shape: attribute.ints([info.filterHeight, info.filterWidth]),
    strides: attribute.ints([info.strideHeight, info.strideWidth]),
    output_padding: attribute.ints(rest),
    ...pads(info.padInfo),
  });
  return mapsOperand(name, info.inShape);
};

function pool(operator: 'AveragePool' | 'MaxPool'): Kernel {
  return (recorder, { x }, given) => {
    const info = backend_util.computePool2DInfo(
      x!.shape as [number, number, number, number],
      given.filterSize as number,
      given.strides as number,
      1,
      given.pad as 'same',
      given.dimRoundingMode as 'floor' | undefined,
    );
    const { top, bottom, left, right } = info.padInfo;
    const rows = Math.floor((info.inHeight + top + bottom - info.filterHeight) / info.strideHeight) + 1;
    const columns = Math.floor((info.inWidth + left + right - info.filterWidth) / info.strideWidth) + 1;
    if (rows !== info.outHeight || columns !== info.outWidth) {
      throw notExportable(
        `it pools ${info.inHeight} x ${info.inWidth} positions to ${info.outHeight} x ${info.outWidth}`,
      );
    }
    const name = recorder.node(operator, [recorder.maps(x!)], {
      kernel_shape: attribute.ints([info.filterHeight, info.filterWidth]),
      strides: attribute.ints([info.strideHeight, info.strideWidth]),
      ...pads(info.padInfo),
    });
    return mapsOperand(name, info.outShape);
  };
}

/** `[rows, columns]` of a constant matrix, also of one in a batch of one. Null for anything else. */
function matrixOf(b: Operand, transposeB: boolean): ConstantOperand | null {
  if (!isConstant(b)) return null;
  const sides = b.shape.slice(-2);
  if (sides.length < 2 || b.form.data.length !== sides[0]! * sides[1]!) return null;
  if (!transposeB) return { ...b, shape: sides };
  return {
    ...b,
    shape: [sides[1]!, sides[0]!],
    form: { kind: 'constant', data: transposed(b.form.data, sides, [1, 0]) },
  };
}

function oriented(
  recorder: Recorder,
  operand: Operand,
  isTransposed: boolean,
): { name: string; shape: number[] } {
  const { shape } = operand;
  if (!isTransposed) return { name: recorder.plain(operand), shape: [...shape] };
  const order = [...shape.keys()];
  order.splice(-2, 2, shape.length - 1, shape.length - 2);
  const turned = order.map((axis) => shape[axis]!);
  // Of a constant, too: it may be used as it is elsewhere, and the file then holds it once.
  const name = recorder.node('Transpose', [recorder.plain(operand)], { perm: attribute.ints(order) });
  return { name, shape: turned };
}

const product: Kernel = (recorder, { a, b }, { transposeA, transposeB }) => {
  const matrix = matrixOf(b!, transposeB === true);
  // The product of rows of channels with a matrix is a convolution of one position.
  if (
    matrix &&
    isMaps(a!) &&
    !transposeA &&
    a.shape.at(-1) === a.form.maps[3] &&
    b!.shape.length <= a.shape.length
  ) {
    const [inputs, outputs] = matrix.shape as [number, number];
    const weights = recorder.constant('float32', [outputs, inputs, 1, 1], transposed(matrix.form.data, [inputs, outputs], [1, 0])); // prettier-ignore
    const name = recorder.node('Conv', [a.form.name, weights], { kernel_shape: attribute.ints([1, 1]) });
    return mapsOperand(name, [...a.form.maps.slice(0, 3), outputs], [...a.shape.slice(0, -1), outputs]);
  }
  const left = oriented(recorder, a!, transposeA === true);
  const right = oriented(recorder, b!, transposeB === true);
  const batch = backend_util.assertAndGetBroadcastShape(left.shape.slice(0, -2), right.shape.slice(0, -2));
  const name = recorder.node('MatMul', [left.name, right.name]);
  return plainOperand(name, [...batch, left.shape.at(-2)!, right.shape.at(-1)!]);
};

/** A product or convolution with a bias and an activation. */
function fused(base: Kernel): Kernel {
  return (recorder, { bias, preluActivationWeights, ...inputs }: Inputs, given) => {
    const result = base(recorder, inputs, given) as Operand;
    const sum = bias ? combined(recorder, 'Add', result, bias) : result;
    if (given.activation === 'prelu') return combined(recorder, 'PRelu', sum, preluActivationWeights!);
    return activated(recorder, sum, given);
  };
}

/** Where the values of a resized map lie among those it is made of, by TensorFlow.js's two options. */
function coordinates({ alignCorners, halfPixelCenters }: Given): string {
  if (alignCorners) return 'align_corners';
  return halfPixelCenters ? 'half_pixel' : 'asymmetric';
}

const resize: Kernel = (recorder, { images }, given) => {
  const [height, width] = given.size as [number, number];
  const [batch, , , channels] = images!.shape as [number, number, number, number];
  const sizes = recorder.builder.sizesOf('expand', [batch, channels, height, width]);
  const name = recorder.node('Resize', [recorder.maps(images!), '', '', sizes], {
    mode: attribute.string('linear'),
    coordinate_transformation_mode: attribute.string(coordinates(given)),
  });
  return mapsOperand(name, [batch, height, width, channels]);
};

/** Operations that sum products, and those of neighboring positions. */
export const PRODUCTS: Kernels = {
  AvgPool: pool('AveragePool'),
  BatchMatMul: product,
  Conv2D: convolution,
  Conv2DBackpropInput: transposedConvolution,
  DepthwiseConv2dNative: depthwiseConvolution,
  FusedConv2D: fused(convolution),
  FusedDepthwiseConv2D: fused(depthwiseConvolution),
  MaxPool: pool('MaxPool'),
  ResizeBilinear: resize,
  _FusedMatMul: fused(product),
};
