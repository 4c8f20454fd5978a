import { DskdError } from '@dskd/base';
import type { FeatureExtractor } from '@dskd/core';
import type { Size } from '../contract.js';

// Where tiles lie in an image, and how much each counts where they overlap. This file imports no library, so that the
// index of this package stays light.

/** Square tiles of an image at its full size. */
export interface Tiling {
  /** Side of a tile in pixels of the network's input. */
  readonly size: number;
  /** Pixels that neighboring tiles share; the last tile of a row or column may share more. */
  readonly overlap: number;
}

/** Tiles that pass through the networks together: bounds memory, whatever the image size. */
export const TILES_PER_PASS = 8;

/** Smallest side of a tile; what is smaller has next to no context for a teacher. */
export const MIN_TILE = 32;

/** Far above anything that can be run: a file of unknown origin must not make us allocate for hours. */
const MAX_TILES = 16_384;

/** Overlap where it is not given: an eighth of the side. */
export function defaultOverlap(size: number): number {
  return Math.floor(size / 8);
}

/**
 * Refuses tiles that no image of this size can be cut into, and those that the teacher cannot take.
 * @throws {DskdError} `invalid-config`
 */
export function assertTiling(
  { size, overlap }: Tiling,
  [height, width]: Size,
  teacher?: FeatureExtractor,
): void {
  const refuse = (got: string, wanted: string, hint: string): never => {
    throw new DskdError('invalid-config', `Got ${got}; wanted ${wanted}.`, {
      hint,
      details: { size, overlap, inputSize: [height, width] },
    });
  };
  if (!Number.isInteger(size) || size < MIN_TILE) {
    refuse(
      `tiles of ${size} pixels`,
      `an integer of at least ${MIN_TILE}`,
      'Tiles of 256 pixels suit most teachers.',
    );
  }
  if (!Number.isInteger(overlap) || overlap < 0 || overlap >= size) {
    refuse(
      `tiles of ${size} pixels that overlap by ${overlap}`,
      `an integer overlap from 0 to ${size - 1}`,
      `Leave it out for ${defaultOverlap(size)}.`,
    );
  }
  if (size > Math.min(height, width)) {
    refuse(
      `tiles of ${size} pixels for images of ${height} x ${width}`,
      'tiles that fit into the image',
      'Take smaller tiles, a larger input size, or no tiles.',
    );
  }
  const count = startsOf(height, { size, overlap }).length * startsOf(width, { size, overlap }).length;
  if (count > MAX_TILES) {
    refuse(
      `tiles of ${size} pixels that overlap by ${overlap}, ${count} of them in an image of ${height} x ${width}`,
      `at most ${MAX_TILES}`,
      'Take larger tiles, or a smaller overlap.',
    );
  }
  if (!teacher) return;
  const stride = Math.max(...teacher.levels.map((level) => level.stride));
  if (size % stride === 0) return;
  const below = Math.max(MIN_TILE, stride, Math.floor(size / stride) * stride);
  refuse(
    `tiles of ${size} pixels for the teacher ${teacher.name}`,
    `a multiple of ${stride}, the stride of its deepest level`,
    `Take tiles of ${below} or ${Math.ceil(size / stride) * stride} pixels.`,
  );
}

/** How tiles lie along one side of an image. */
export interface TileAxis {
  /** The first pixel of each tile, ascending. */
  readonly starts: readonly number[];
  /**
   * How much each pixel of each tile counts, `size` values for a tile: linear ramps where tiles overlap. At each pixel
   * of the image the tiles' weights add up to 1.
   */
  readonly weights: readonly Float64Array[];
}

function startsOf(length: number, { size, overlap }: Tiling): number[] {
  const step = size - overlap;
  const count = Math.ceil((length - size) / step) + 1;
  // The last tile is moved inward, so that it has the full size, too.
  return Array.from({ length: count }, (_, index) => Math.min(index * step, length - size));
}

function axisOf(length: number, tiling: Tiling): TileAxis {
  const { size, overlap } = tiling;
  const starts = startsOf(length, tiling);
  const total = new Float64Array(length);
  const ramps = starts.map((start, index) =>
    Float64Array.from({ length: size }, (_, pixel) => {
      const up = index > 0 && overlap > 0 ? (pixel + 0.5) / overlap : 1;
      const down = index < starts.length - 1 && overlap > 0 ? (size - pixel - 0.5) / overlap : 1;
      const ramp = Math.min(1, up, down);
      total[start + pixel]! += ramp;
      return ramp;
    }),
  );
  const weights = ramps.map((ramp, index) =>
    ramp.map((value, pixel) => value / total[starts[index]! + pixel]!),
  );
  return { starts, weights };
}

/** A tile of an image, by its place in the grid and its first pixel. */
export interface Tile {
  readonly row: number;
  readonly column: number;
  readonly top: number;
  readonly left: number;
}

/** The tiles of images of one size, row by row. */
export class TileGrid {
  readonly #down: TileAxis;
  readonly #across: TileAxis;
  readonly tiles: readonly Tile[];

  /** @throws {DskdError} `invalid-config` */
  constructor(
    readonly tiling: Tiling,
    readonly inputSize: Size,
  ) {
    assertTiling(tiling, inputSize);
    this.#down = axisOf(inputSize[0], tiling);
    this.#across = axisOf(inputSize[1], tiling);
    this.tiles = this.#down.starts.flatMap((top, row) =>
      this.#across.starts.map((left, column) => ({ row, column, top, left })),
    );
  }

  /** Index of the tile that counts most at a pixel. */
  tileAt([y, x]: readonly [number, number]): number {
    const place = (axis: TileAxis, at: number, length: number): number => {
      const pixel = Math.min(Math.max(0, Math.floor(at)), length - 1);
      const weights = axis.starts.map((start, index) => axis.weights[index]![pixel - start] ?? 0);
      return weights.indexOf(Math.max(...weights));
    };
    const [height, width] = this.inputSize;
    return place(this.#down, y, height) * this.#across.starts.length + place(this.#across, x, width);
  }

  /** How much each pixel of a tile counts, `size * size`, row-major. */
  weightsOf({ row, column }: Tile): Float32Array {
    const { size } = this.tiling;
    const down = this.#down.weights[row]!;
    const across = this.#across.weights[column]!;
    return Float32Array.from(
      { length: size * size },
      (_, at) => down[Math.floor(at / size)]! * across[at % size]!,
    );
  }

  /** A map of a whole image, to which the maps of its tiles are added. */
  blend(): TileBlend {
    return new TileBlend(this.tiling.size, this.inputSize, this.#down, this.#across);
  }
}

/**
 * Blends maps of tiles into one of the image. In float64: the map of tiles that are the same everywhere is that, to the
 * bit, after rounding to float32.
 */
export class TileBlend {
  readonly #sums: Float64Array;

  constructor(
    private readonly size: number,
    private readonly inputSize: Size,
    private readonly down: TileAxis,
    private readonly across: TileAxis,
  ) {
    this.#sums = new Float64Array(inputSize[0] * inputSize[1]);
  }

  /** @param map of one tile, `size * size`, row-major. */
  add({ row, column, top, left }: Tile, map: Float32Array): void {
    const { size } = this;
    const [, width] = this.inputSize;
    const horizontal = this.across.weights[column]!;
    for (let y = 0; y < size; y++) {
      const vertical = this.down.weights[row]![y]!;
      const from = y * size;
      const to = (top + y) * width + left;
      for (let x = 0; x < size; x++) this.#sums[to + x]! += map[from + x]! * (vertical * horizontal[x]!);
    }
  }

  /** `height * width` values, row-major. */
  result(): Float32Array {
    return Float32Array.from(this.#sums);
  }
}

/** Images that pass through a model together: 8, or with tiles so many that they are not much more than 8 tiles. */
export function imagesPerPass({
  inputSize: [height, width],
  tiles,
}: {
  readonly inputSize: Size;
  readonly tiles: Tiling | null;
}): number {
  if (!tiles) return TILES_PER_PASS;
  return Math.max(1, Math.floor((TILES_PER_PASS * tiles.size ** 2) / (height * width)));
}
