import { code, type Code } from '@dskd/base/web-assembly';
import type { backend_util, TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { functionsOnHeap } from '../heap-functions.js';
import { allocate, FLOAT } from '../heap.js';
import { PANEL_COLUMNS, PANEL_ROWS, type PanelFunctions } from '../panels.js';
import { geometryOf } from '../pixel-addresses.js';
import { UNIT, VECTOR } from '../vector-instructions.js';
import {
  columnOf,
  copy,
  filterTaps,
  inputPoints,
  loadPixels,
  outputPoints,
  OUTPUTS,
  POINTS,
  rowOf,
  SIDE,
  STEP,
  storeApart,
  TILE,
  transformColumns,
  transformMatrices,
} from './instructions.js';
import { fill, GAP, isForTiles, Tiles, tilesOfBlock, withArrays } from './tiles.js';

// The filter gradient of a convolution of 3 x 3 with stride 1, by the derivative of `convolution.ts`: the gradient of each tile of the output
// is transformed to 16 points, the gradient of the transformed filter is for each point a product of the transformed input with it, and
// the filter's is the transformation of that.

const { get, set, constant, repeat } = code;

/**
 * Transforms tiles of the input into panels of a left factor, whose rows are channels.
 * TABLE: 16 addresses of pixels for each tile. QUADS: a quarter of the channels. TO: the first panel of the first of 16 factors, POINT_STRIDE
 * apart; PANEL_STRIDE before the next panel.
 */
function transformInput() {
  const [TABLE, TILES, QUADS, TO, POINT_STRIDE, PANEL_STRIDE] = [0, 1, 2, 3, 4, 5];
  const [OFFSET, QUAD, PANEL, OUT] = [6, 7, 8, 9];
  const D = 10;
  const quad: Code = [
    ...loadPixels(TABLE, OFFSET, POINTS, D),
    ...[...transformColumns(D), ...copy(PANEL, OUT)],
    ...Array.from({ length: TILE }, (_, at) =>
      storeApart(OUT, POINT_STRIDE, inputPoints(rowOf(D, at))),
    ).flat(),
    ...[...code.advance(OFFSET, constant(VECTOR)), ...code.advance(PANEL, get(PANEL_STRIDE))],
  ];
  const body = repeat(TILES, [
    ...[...constant(0), ...set(OFFSET), ...copy(QUADS, QUAD), ...copy(TO, PANEL)],
    ...repeat(QUAD, quad),
    ...code.advance(TABLE, constant(POINTS * FLOAT)),
    ...code.advance(TO, constant(PANEL_ROWS * FLOAT)),
  ]);
  return { parameters: 6, integers: 4, vectors: POINTS, body };
}

/**
 * Transforms tiles of the output's gradient into panels of a right factor, whose columns are channels.
 * TABLE: 4 addresses of pixels for each tile. OCTETS: an eighth of the channels. TO: the first panel of the first of 16 factors, POINT_STRIDE
 * apart; PANEL_STRIDE before the next panel.
 */
function transformGradient() {
  const [TABLE, TILES, OCTETS, TO, POINT_STRIDE, PANEL_STRIDE] = [0, 1, 2, 3, 4, 5];
  const [OFFSET, OCTET, PANEL, OUT] = [6, 7, 8, 9];
  const Y = 10;
  const P = Y + OUTPUTS;
  const half = (after: number): Code => [
    ...loadPixels(TABLE, OFFSET, OUTPUTS, Y, after),
    ...Array.from({ length: STEP }, (_, at) =>
      outputPoints(columnOf(Y, at, STEP, STEP)).flatMap((value, to) => [
        ...value,
        ...set(P + STEP * to + at),
      ]),
    ).flat(),
    ...copy(PANEL, OUT),
    ...Array.from({ length: TILE }, (_, at) =>
      storeApart(OUT, POINT_STRIDE, outputPoints(rowOf(P, at, STEP)), after),
    ).flat(),
  ];
  const body = repeat(TILES, [
    ...[...constant(0), ...set(OFFSET), ...copy(OCTETS, OCTET), ...copy(TO, PANEL)],
    ...repeat(OCTET, [
      ...[...half(0), ...half(VECTOR)],
      ...code.advance(OFFSET, constant(PANEL_COLUMNS * FLOAT)),
      ...code.advance(PANEL, get(PANEL_STRIDE)),
    ]),
    ...code.advance(TABLE, constant(OUTPUTS * FLOAT)),
    ...code.advance(TO, constant(PANEL_COLUMNS * FLOAT)),
  ]);
  return { parameters: 6, integers: 4, vectors: OUTPUTS + STEP * TILE, body };
}

/** Transforms the gradient of a transformed filter, `G' u G`: 16 matrices to 9 taps. See {@link transformMatrices}. */
const transformSums = () => transformMatrices(filterTaps, TILE, SIDE);

type OnAddresses = (...addressesAndCounts: number[]) => void;

interface Functions {
  readonly transformInput: OnAddresses;
  readonly transformGradient: OnAddresses;
  readonly transformSums: OnAddresses;
}

/** Whether {@link filterGradientOfTiles} computes the filter gradient of such a convolution, and is faster. */
export function isGradientForTiles(info: backend_util.Conv2DInfo): boolean {
  return isForTiles(info) && info.outChannels % PANEL_COLUMNS === 0;
}

/** @returns undefined where there are no functions of our own. */
export function filterGradientOfTiles(
  panelFunctions: PanelFunctions,
  backend: BackendWasm,
  x: TensorInfo,
  dy: TensorInfo,
  info: backend_util.Conv2DInfo,
): TensorInfo | undefined {
  const functions = functionsOnHeap<Functions>(backend, { transformInput, transformGradient, transformSums });
  if (!functions) return undefined;
  const { inChannels, outChannels, filterShape } = info;
  const tiles = new Tiles(geometryOf(info), outChannels);
  const block = tilesOfBlock(inChannels + outChannels, tiles.count);
  const out = allocate(backend, filterShape);
  const pairs = inChannels * outChannels;
  const leftPanel = (block * PANEL_ROWS + GAP) * FLOAT;
  const rightPanel = (block * PANEL_COLUMNS + GAP) * FLOAT;
  const leftStride = (inChannels / PANEL_ROWS) * leftPanel + GAP * FLOAT;
  const rightStride = (outChannels / PANEL_COLUMNS) * rightPanel + GAP * FLOAT;
  const sizes = {
    left: (POINTS * leftStride) / FLOAT,
    right: (POINTS * rightStride) / FLOAT,
    sums: POINTS * pairs,
    zeros: Math.max(inChannels, outChannels),
    limits: 2 * UNIT,
    inputs: block * POINTS,
    outputs: block * OUTPUTS,
  };
  withArrays(backend, sizes, (at, heap) => {
    fill(heap, at.zeros, sizes.zeros, 0);
    fill(heap, at.limits, UNIT, -Infinity);
    fill(heap, at.limits + VECTOR, UNIT, Infinity);
    const [input, output] = [backend.getMemoryOffset(x.dataId), backend.getMemoryOffset(dy.dataId)];
    for (let first = 0; first < tiles.count; first += block) {
      const count = Math.min(block, tiles.count - first);
      tiles.fillInputs(first, count, new Int32Array(heap.buffer, at.inputs, count * POINTS), input, at.zeros);
      tiles.fillOutputs(first, count, new Int32Array(heap.buffer, at.outputs, count * OUTPUTS), output, at.zeros); // prettier-ignore
      functions.transformInput(at.inputs, count, inChannels / UNIT, at.left, leftStride, leftPanel);
      functions.transformGradient(
        ...[at.outputs, count, outChannels / PANEL_COLUMNS, at.right, rightStride, rightPanel],
      );
      const multiply = first === 0 ? panelFunctions.multiply : panelFunctions.multiplyAndAdd;
      for (let point = 0; point < POINTS; point++) {
        for (let panel = 0; panel < outChannels / PANEL_COLUMNS; panel++) {
          multiply(
            at.left + point * leftStride,
            leftPanel,
            inChannels / PANEL_ROWS,
            at.right + point * rightStride + panel * rightPanel,
            at.sums + (point * pairs + panel * PANEL_COLUMNS) * FLOAT,
            outChannels * FLOAT,
            count,
            at.zeros,
            at.limits,
          );
        }
      }
    }
    const result = backend.getMemoryOffset(out.dataId);
    functions.transformSums(at.sums, pairs * FLOAT, pairs / UNIT, result, pairs * FLOAT);
  });
  return out;
}
