import type { backend_util, TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { allocate, FLOAT, floats, withScratch } from '../heap.js';
import { keptPanels } from '../kept-panels.js';
import type { Outcome } from '../packed-product.js';
import { ceil, packRight } from '../packing.js';
import { PANEL_COLUMNS, type PanelFunctions } from '../panels.js';
import { geometryOf } from '../pixel-addresses.js';
import { divideLines, type FilterToShare } from '../threads/divide-lines.js';
import { computeLines, prepareRoom, sizesOfRoom, type TileFunctions } from './compute-lines.js';
import { UNIT, VECTOR } from '../vector-instructions.js';
import { POINTS } from './instructions.js';
import { fill, Tiles, tilesOfBlock, withArrays } from './tiles.js';
import { transformationsOf } from './transformations.js';

// A convolution of 3 x 3 with stride 1 as 16 products for 4 positions in place of 36. Tiles of 4 x 4 input pixels, 2 apart, and the filter
// are transformed by sums; the channels of each of the 16 points of all tiles are multiplied with those of the filter; and the
// results are transformed to 2 x 2 output pixels. Values are rounded in another order than by the sum of the definition: the error is
// as small, the bits are others.

/**
 * A convolution that {@link isForTiles}. Other threads compute a part of it, where there are any and it is large enough.
 * @returns undefined where there are no functions of our own.
 */
export function convolutionOfTiles(
  panels: PanelFunctions,
  backend: BackendWasm,
  { x, filter }: Readonly<Record<'x' | 'filter', TensorInfo>>,
  info: backend_util.Conv2DInfo,
  { bias, limits = [-Infinity, Infinity] }: Outcome,
): TensorInfo | undefined {
  const transformations = transformationsOf(backend);
  if (!transformations) return undefined;
  const functions = { panels, transformations };
  const { inChannels, outChannels, outShape } = info;
  const geometry = geometryOf(info);
  const tiles = new Tiles(geometry, outChannels);
  const block = tilesOfBlock(inChannels + outChannels, tiles.count);
  const out = allocate(backend, outShape);
  const sizes = { ...sizesOfRoom(block, inChannels, outChannels), bias: outChannels, limits: 2 * UNIT };
  withTransformedFilter(functions, backend, filter, [inChannels, outChannels], (transformed) => {
    withArrays(backend, sizes, ({ bias: biasAt, limits: limitsAt, ...room }, heap) => {
      fill(heap, biasAt, outChannels, 0);
      if (bias) heap.set(floats(backend, bias), biasAt / FLOAT);
      fill(heap, limitsAt, UNIT, limits[0]);
      fill(heap, limitsAt + VECTOR, UNIT, limits[1]);
      const work = {
        ...{ geometry, outChannels, filter: transformed, bias: biasAt, limits: limitsAt, block, room, heap },
        input: backend.getMemoryOffset(x.dataId),
        output: backend.getMemoryOffset(out.dataId),
      };
      prepareRoom(work);
      if (!divideLines(functions, work)) computeLines(functions, work, [0, tiles.lines]);
    });
  });
  return out;
}

/** Runs `work` on the 16 matrices of a filter, packed. A filter that is used again is kept so. */
function withTransformedFilter(
  { panels, transformations }: TileFunctions,
  backend: BackendWasm,
  filter: TensorInfo,
  [rows, columns]: readonly [number, number],
  work: (transformed: FilterToShare) => void,
): void {
  const panelStride = ceil(rows, UNIT) * PANEL_COLUMNS * FLOAT;
  const pointStride = (ceil(columns, PANEL_COLUMNS) / PANEL_COLUMNS) * panelStride;
  const pack = (address: number): void =>
    withScratch(backend, [POINTS, rows, columns], (transformed) => {
      const to = backend.getMemoryOffset(transformed.dataId);
      const size = rows * columns * FLOAT;
      transformations.transformFilter(backend.getMemoryOffset(filter.dataId), size, size / VECTOR, to, size);
      for (let point = 0; point < POINTS; point++) {
        const start = point * rows * columns;
        const matrix = { info: transformed, start, rows, columns, transposed: false };
        packRight(panels, backend, matrix, [0, rows], address + point * pointStride, panelStride);
      }
    });
  const elements = (POINTS * pointStride) / FLOAT;
  const strides = { pointStride, panelStride, elements };
  const kept = keptPanels(backend).find(filter.dataId, ['tiles', rows, columns].join(), elements, pack);
  if (kept) {
    work({ ...strides, address: kept.address, kept });
    return;
  }
  withScratch(backend, [elements], (packed) => {
    const address = backend.getMemoryOffset(packed.dataId);
    pack(address);
    work({ ...strides, address, kept: undefined });
  });
}
