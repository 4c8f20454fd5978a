import { FLOAT } from '../heap.js';
import { ceil, type PackedRight } from '../packing.js';
import {
  computeLines,
  type ConvolutionInMemory,
  ROOM,
  sizesOfRoom,
  type TileFunctions,
  type TransformedFilter,
} from '../winograd/compute-lines.js';
import { UNIT } from '../vector-instructions.js';
import { POINTS } from '../winograd/instructions.js';
import { Tiles } from '../winograd/tiles.js';
import { pixelsPart } from './copy-left.js';
import { BLOCKS_EACH, LEAST_WORK } from './divide.js';
import { writeJob } from './job.js';
import { type Rows, type SharedWork, shareRows } from './share.js';
import { type Helper, team } from './team.js';

/** A transformed filter that can be copied. */
export type FilterToShare = TransformedFilter & Pick<PackedRight, 'elements' | 'kept'>;

/** Tiles of a block, where there are as many: of fewer, the time goes to reading the filter. */
const TILES_OF_BLOCK = 32;

/** A convolution in tiles whose filter can be copied. */
interface Divided extends ConvolutionInMemory {
  readonly filter: FilterToShare;
}

/**
 * Computes a convolution in tiles together with the helper threads of this one, as `divide` does a product: each gets some of the lines.
 * @returns false if nothing was computed, because there are no helpers, or the convolution is small.
 */
export function divideLines(functions: TileFunctions, work: Divided): boolean {
  const { geometry, outChannels, heap } = work;
  const own = team();
  const tiles = new Tiles(geometry, outChannels);
  if (!own || POINTS * tiles.count * geometry.inChannels * outChannels < LEAST_WORK) return false;
  if (own.idle().length === 0 || own.isPaused()) return false;
  const address = own.factors.addressOf(work.filter, heap);
  if (address === undefined) return false;
  const filter = { ...work.filter, address };
  const each = Math.floor(tiles.lines / ((own.helpers.length + 1) * BLOCKS_EACH));
  const most = Math.floor(work.block / tiles.across);
  const blockLines = Math.max(1, Math.ceil(TILES_OF_BLOCK / tiles.across), Math.min(each, most));
  const shared: SharedWork = {
    compute: (lines, isNeeded) => computeLines(functions, work, lines, isNeeded),
    give: (helper, lines) => give(helper, own.shared, tiles, { ...work, filter }, lines, blockLines),
    collect([first, last], from) {
      const [begin, end] = [first, last].map((line) => tiles.positionOf(line) * outChannels) as [
        number,
        number,
      ];
      const result = own.shared.subarray(from / FLOAT, from / FLOAT + end - begin);
      heap.set(result, work.output / FLOAT + begin);
    },
  };
  const { given, done } = shareRows(own, shared, [0, tiles.lines], blockLines);
  own.report(given, done);
  return true;
}

/** See {@link SharedWork.give}. */
function give(
  { control, place: [begin, end] }: Helper,
  shared: Float32Array,
  tiles: Tiles,
  { geometry, outChannels, input, filter, bias, limits, heap }: Divided,
  [first, last]: Rows,
  blockLines: number,
): number | undefined {
  const [from, to] = [tiles.positionOf(first), tiles.positionOf(last)];
  const part = pixelsPart(input, geometry, [from, to]);
  const block = ceil(blockLines * tiles.across, UNIT);
  let at = begin;
  const place = (elements: number): number => {
    const address = at;
    at += ceil(elements, UNIT) * FLOAT;
    return address;
  };
  const sizes = sizesOfRoom(block, geometry.inChannels, outChannels);
  const room = Object.fromEntries(ROOM.map((name) => [name, place(sizes[name])])) as typeof sizes;
  const own = { bias: place(outChannels), limits: place(2 * UNIT), input: place(part.elements) };
  const out = place((to - from) * outChannels);
  if (at > end) return undefined;
  const copy = (source: number, elements: number, target: number): void =>
    shared.set(heap.subarray(source / FLOAT, source / FLOAT + elements), target / FLOAT);
  copy(bias, outChannels, own.bias);
  copy(limits, 2 * UNIT, own.limits);
  const moved = part.copy(heap, shared, own.input);
  const before = tiles.firstLineOf(tiles.imageOf(first));
  const { address, pointStride, panelStride } = filter;
  writeJob(control, {
    ...{ kind: 'convolution', geometry: moved.geometry, first: first - before, last: last - before },
    ...{ blockRows: blockLines, outChannels, block, address, pointStride, panelStride, ...own, ...room },
    input: moved.start,
    output: out - part.rows[0] * outChannels * FLOAT,
  });
  return out;
}
