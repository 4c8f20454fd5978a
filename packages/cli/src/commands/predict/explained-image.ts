import type { PixelBuffer } from '@dskd/base';
import { toRgb } from '@dskd/data';
import type { ExplainedRegion } from '@dskd/detector';
import { explanationCuts } from '@dskd/report';

/** Side of a cut in pixels, and the space between two. */
const SIDE = 192;
const GAP = 8;

/**
 * Draws explained regions, a row for each, in their order: the region, and beside it the good image that its nearest
 * patch is from, with a line around the patch. Regions without a thumbnail have no row.
 * @returns RGB; undefined if no region has a thumbnail.
 */
export function explainedImage(
  image: PixelBuffer,
  regions: readonly ExplainedRegion[],
): PixelBuffer | undefined {
  const pixels = toRgb(image);
  const rows = regions.flatMap(({ box, nearest: { thumbnail } }) => {
    if (!thumbnail) return [];
    const shown = { image: thumbnail.image, patch: thumbnail.area };
    const { region, thumbnail: good } = explanationCuts(
      { image: pixels, region: box, thumbnail: shown },
      SIDE,
    );
    return [[region, good!] as const];
  });
  if (rows.length === 0) return undefined;
  const width = 2 * SIDE + GAP;
  const height = rows.length * (SIDE + GAP) - GAP;
  const sheet = { data: new Uint8Array(width * height * 3).fill(255), width, height, channels: 3 };
  for (const [index, [region, good]] of rows.entries()) {
    const top = index * (SIDE + GAP);
    paste(sheet, region, { left: 0, top });
    // Thumbnails need not be square.
    paste(sheet, good, {
      left: SIDE + GAP + Math.floor((SIDE - good.width) / 2),
      top: top + Math.floor((SIDE - good.height) / 2),
    });
  }
  return sheet;
}

/** Copies an RGB image into another. */
function paste(
  into: PixelBuffer,
  { data, width, height }: PixelBuffer,
  { left, top }: { readonly left: number; readonly top: number },
): void {
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * width * 3, (y + 1) * width * 3);
    into.data.set(row, ((top + y) * into.width + left) * 3);
  }
}
