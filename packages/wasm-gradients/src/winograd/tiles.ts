import type { backend_util, TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { FLOAT, heapFloats, withScratch } from '../heap.js';
import { ceil } from '../packing.js';
import type { PixelGeometry } from '../pixel-addresses.js';
import { UNIT } from '../vector-instructions.js';
import { OUTPUTS, POINTS, SIDE, STEP } from './instructions.js';

/** Channels below which the transformations take longer than what they save. */
const FEWEST_CHANNELS = 16;

/** Whether a convolution, and its filter gradient, can be computed by Winograd's tiles, and are faster so. */
export function isForTiles(info: backend_util.Conv2DInfo): boolean {
  const { filterHeight, filterWidth, strideHeight, strideWidth, dilationHeight, dilationWidth } = info;
  const { batchSize, inChannels, outChannels, outHeight, outWidth } = info;
  return (
    batchSize > 0 &&
    [filterHeight, filterWidth].every((side) => side === SIDE) &&
    [strideHeight, strideWidth, dilationHeight, dilationWidth].every((step) => step === 1) &&
    [inChannels, outChannels].every((channels) => channels >= FEWEST_CHANNELS && channels % UNIT === 0) &&
    [outHeight, outWidth].every((side) => side >= STEP)
  );
}

/** Elements of the factors and products of a block of tiles: most of what is used at once stays in the second-level cache. */
const BLOCK = 2 ** 19;
/** A product of fewer tiles spends its time on the other factor. */
const FEWEST_TILES = 64;

/**
 * Elements between arrays that are written or read side by side: where their distance is a multiple of 4 kB, a cache can keep only a few
 * of them.
 */
export const GAP = 16;

/** How many tiles are computed at once. */
export function tilesOfBlock(channels: number, all: number): number {
  return ceil(Math.min(Math.max(FEWEST_TILES, BLOCK / (POINTS * channels)), all), UNIT);
}

/** The tiles of all images, line by line. */
export class Tiles {
  readonly #geometry: PixelGeometry;
  readonly #outChannels: number;
  readonly #linesOfImage: number;
  /** Tiles of a line. */
  readonly across: number;
  /** Lines of all images. */
  readonly lines: number;

  constructor(geometry: PixelGeometry, outChannels: number) {
    this.#geometry = geometry;
    this.#outChannels = outChannels;
    this.#linesOfImage = Math.ceil(geometry.outHeight / STEP);
    this.across = Math.ceil(geometry.outWidth / STEP);
    this.lines = geometry.batchSize * this.#linesOfImage;
  }

  get count(): number {
    return this.lines * this.across;
  }

  /** The first output position of a line, or the end of the last one; positions of all images are counted row by row. */
  positionOf(line: number): number {
    const { outHeight, outWidth } = this.#geometry;
    const image = Math.floor(line / this.#linesOfImage);
    return (image * outHeight + STEP * (line % this.#linesOfImage)) * outWidth;
  }

  /** The image of a line. */
  imageOf(line: number): number {
    return Math.floor(line / this.#linesOfImage);
  }

  /** The number of a line's image's first line. */
  firstLineOf(image: number): number {
    return image * this.#linesOfImage;
  }

  /**
   * Fills a table with the addresses of the 16 input pixels of each tile from `first` on; those of tiles after `count`, to the end of the
   * table, are missing.
   * @param missing address of zeros.
   */
  fillInputs(first: number, count: number, table: Int32Array, input: number, missing: number): void {
    const { inHeight, inWidth, inChannels, padTop, padLeft } = this.#geometry;
    for (let i = 0; i < count; i++) {
      const { image, down, across } = this.#place(first + i);
      const [top, left] = [STEP * down - padTop, STEP * across - padLeft];
      for (let point = 0; point < POINTS; point++) {
        const [y, x] = [top + (point >> 2), left + (point & 3)];
        const isInside = y >= 0 && y < inHeight && x >= 0 && x < inWidth;
        table[i * POINTS + point] = isInside
          ? input + ((image * inHeight + y) * inWidth + x) * inChannels * FLOAT
          : missing;
      }
    }
    table.fill(missing, count * POINTS);
  }

  /** As {@link fillInputs}, with the 4 output pixels of each tile. */
  fillOutputs(first: number, count: number, table: Int32Array, output: number, missing: number): void {
    const { outHeight, outWidth } = this.#geometry;
    for (let i = 0; i < count; i++) {
      const { image, down, across } = this.#place(first + i);
      for (let place = 0; place < OUTPUTS; place++) {
        const [y, x] = [STEP * down + (place >> 1), STEP * across + (place & 1)];
        table[i * OUTPUTS + place] =
          y < outHeight && x < outWidth
            ? output + ((image * outHeight + y) * outWidth + x) * this.#outChannels * FLOAT
            : missing;
      }
    }
    table.fill(missing, count * OUTPUTS);
  }

  #place(tile: number): { readonly image: number; readonly down: number; readonly across: number } {
    const line = Math.floor(tile / this.across);
    const image = this.imageOf(line);
    return { image, down: line - this.firstLineOf(image), across: tile - line * this.across };
  }
}

/** Runs `work` with the addresses of arrays of these sizes, in elements, and the heap as numbers; they are freed afterward. */
export function withArrays<Name extends string>(
  backend: BackendWasm,
  sizes: Readonly<Record<Name, number>>,
  work: (at: Readonly<Record<Name, number>>, heap: Float32Array) => void,
): void {
  const entries = Object.entries<number>(sizes);
  const total = entries.reduce((all, [, size]) => all + ceil(size, UNIT), 0);
  withScratch(backend, [total], (scratch: TensorInfo) => {
    let next = backend.getMemoryOffset(scratch.dataId);
    const at: Record<string, number> = {};
    for (const [name, size] of entries) {
      at[name] = next;
      next += ceil(size, UNIT) * FLOAT;
    }
    work(at as Record<Name, number>, heapFloats(backend, scratch));
  });
}

/** Sets `count` elements at an address. */
export function fill(heap: Float32Array, address: number, count: number, value: number): void {
  heap.fill(value, address / FLOAT, address / FLOAT + count);
}
