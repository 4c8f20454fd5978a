import { FLOAT } from '../heap.js';
import { ceil } from '../packing.js';
import { PANEL_COLUMNS, PANEL_ROWS, type PanelFunctions } from '../panels.js';
import type { PixelGeometry } from '../pixel-addresses.js';
import { UNIT, VECTOR } from '../vector-instructions.js';
import { OUTPUTS, POINTS } from './instructions.js';
import { fill, GAP, Tiles } from './tiles.js';
import type { Transformations } from './transformations.js';

/** What computes on one memory. */
export interface TileFunctions {
  readonly panels: PanelFunctions;
  readonly transformations: Transformations;
}

/** The 16 matrices of a transformed filter, packed as right factors. */
export interface TransformedFilter {
  readonly address: number;
  /** Bytes from one matrix to the next, and from one panel of 8 columns to the next. */
  readonly pointStride: number;
  readonly panelStride: number;
}

/** Room for what is computed on the way. */
export const ROOM = [
  'left',
  'products',
  'turning',
  'zeros',
  'nowhere',
  'unlimited',
  'inputs',
  'outputs',
] as const;

/** Elements of each part of the room for `block` tiles at once. */
export function sizesOfRoom(
  block: number,
  inChannels: number,
  outChannels: number,
): Record<(typeof ROOM)[number], number> {
  return {
    left: POINTS * (block * inChannels + GAP),
    products: POINTS * (block * ceil(outChannels, PANEL_COLUMNS) + GAP),
    turning: POINTS * UNIT * UNIT,
    zeros: Math.max(inChannels, PANEL_COLUMNS),
    nowhere: outChannels,
    unlimited: 2 * UNIT,
    inputs: block * POINTS,
    outputs: block * OUTPUTS,
  };
}

/** A convolution in tiles, and where everything that it needs lies: addresses in bytes, in the memory of the functions. */
export interface ConvolutionInMemory {
  readonly geometry: PixelGeometry;
  readonly outChannels: number;
  readonly input: number;
  readonly output: number;
  readonly filter: TransformedFilter;
  /** As many numbers as output channels. */
  readonly bias: number;
  /** The least result four times, then the greatest. */
  readonly limits: number;
  /** The most tiles at once: a multiple of 4. */
  readonly block: number;
  readonly room: Readonly<Record<(typeof ROOM)[number], number>>;
  /** All memory in which addresses are. */
  readonly heap: Float32Array;
}

/** Sets what does not change from block to block. */
export function prepareRoom({ heap, room, geometry }: Omit<ConvolutionInMemory, 'output'>): void {
  fill(heap, room.zeros, Math.max(geometry.inChannels, PANEL_COLUMNS), 0);
  fill(heap, room.unlimited, UNIT, -Infinity);
  fill(heap, room.unlimited + VECTOR, UNIT, Infinity);
}

/**
 * Computes the output of lines `first..last` of tiles, of all images one after another.
 * @param isNeeded is asked now and then.
 * @returns false if it stopped because they are not needed any more.
 */
export function computeLines(
  { panels: { multiply }, transformations }: TileFunctions,
  work: ConvolutionInMemory,
  [first, last]: readonly [number, number],
  isNeeded: () => boolean = () => true,
): boolean {
  const { geometry, outChannels, input, output, filter, bias, limits, block, room, heap } = work;
  const { inChannels } = geometry;
  const columns = ceil(outChannels, PANEL_COLUMNS);
  const leftStride = (block * inChannels + GAP) * FLOAT;
  const productStride = (block * columns + GAP) * FLOAT;
  const tiles = new Tiles(geometry, outChannels);
  const end = last * tiles.across;
  for (let tile = first * tiles.across; tile < end; tile += block) {
    const count = Math.min(block, end - tile);
    const panels = Math.ceil(count / PANEL_ROWS);
    const inputs = new Int32Array(heap.buffer, room.inputs, panels * PANEL_ROWS * POINTS);
    const outputs = new Int32Array(heap.buffer, room.outputs, count * OUTPUTS);
    tiles.fillInputs(tile, count, inputs, input, room.zeros);
    tiles.fillOutputs(tile, count, outputs, output, room.nowhere);
    transformations.transformInput(
      ...[room.inputs, panels, inChannels / UNIT, room.left, leftStride, room.turning],
    );
    for (let point = 0; point < POINTS; point++) {
      if (!isNeeded()) return false;
      for (let panel = 0; panel < columns / PANEL_COLUMNS; panel++) {
        multiply(
          room.left + point * leftStride,
          inChannels * PANEL_ROWS * FLOAT,
          panels,
          filter.address + point * filter.pointStride + panel * filter.panelStride,
          room.products + point * productStride + panel * PANEL_COLUMNS * FLOAT,
          columns * FLOAT,
          inChannels,
          room.zeros,
          room.unlimited,
        );
      }
    }
    transformations.transformOutput(
      ...[
        room.products,
        productStride,
        columns * FLOAT,
        count,
        outChannels / UNIT,
        room.outputs,
        bias,
        limits,
      ],
    );
  }
  return true;
}
