import path from 'node:path';
import type { PixelBuffer } from '@dskd/base';
import { encodeImage, writeFileAtomically } from '@dskd/data/node';
import { mapInImage, type DetectorDescription, type ExplainedRegion, type Prediction } from '@dskd/detector';
import { heatMapOverlay, heatScaleOf } from '@dskd/report';
import { explainedImage } from './explained-image.js';
import { overlayNames } from './overlay-names.js';

/** Files written for an image. */
export interface WrittenImages {
  readonly overlay?: string;
  readonly explained?: string;
}

/** What is known of an image when its heat map is written. */
interface Shown {
  readonly file: string;
  readonly pixels: PixelBuffer;
  readonly prediction: Prediction;
  readonly explained: readonly ExplainedRegion[];
}

/**
 * Returns a function that writes heat maps into a folder, all on the same color scale: `NAME.overlay.png` and, where regions are
 * explained and the model has thumbnails, `NAME.explained.png`.
 * @param folder gets the files.
 * @param files those that are known. Images that come later may have any name, so theirs keep the extension.
 */
export function heatMapWriter(
  folder: string,
  files: readonly string[],
  { calibration }: DetectorDescription,
  threshold: number,
): (shown: Shown) => Promise<WrittenImages> {
  const names = overlayNames(files);
  const scale = heatScaleOf(calibration.scores, threshold);
  return async ({ file, pixels, prediction, explained }) => {
    const overlay = path.join(folder, names.get(file) ?? `${path.basename(file)}.overlay.png`);
    const drawn = heatMapOverlay(pixels, mapInImage(prediction, pixels), scale);
    await writeFileAtomically(overlay, await encodeImage(drawn));
    return { overlay, ...(await writeExplained(overlay, pixels, explained)) };
  };
}

/** Writes the regions next to thumbnails of the good images, if there are any, beside the overlay. */
async function writeExplained(
  overlay: string,
  image: PixelBuffer,
  regions: readonly ExplainedRegion[],
): Promise<Pick<WrittenImages, 'explained'>> {
  const pixels = explainedImage(image, regions);
  if (!pixels) return {};
  const explained = overlay.replace(/overlay\.png$/, 'explained.png');
  await writeFileAtomically(explained, await encodeImage(pixels));
  return { explained };
}
