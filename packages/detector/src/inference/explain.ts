import { DskdError, type PixelBuffer } from '@dskd/base';
import { placement, preparePixels, toImageTensor, toRgb, type ImageInput, type Rectangle } from '@dskd/data';
import type { NearestPatch } from '@dskd/methods';
import type { Region } from '@dskd/scoring';
import type { DetectorDescription, LearnedImage } from '../artifact/description.js';
import type { CalibratedModel } from '../calibration/calibrated-model.js';
import { preparationOf } from './preparation.js';
import { thumbnailAt } from './thumbnails.js';

export interface ExplainOptions {
  /** How many regions are explained, the largest first. Default 8. */
  readonly most?: number;
}

/** The patch of the good images that is nearest to a place. */
export interface NearestNormal {
  /** Id of the image that was learned; null where the file does not name its images. */
  readonly id: string | null;
  /** Index of the image in the order of the fit; images of lessons follow. */
  readonly index: number;
  /**
   * The patch in the pixels of that image, where it lay when it was learned; in those of the network's input where the
   * image is not named. What the patch was computed from reaches beyond it.
   */
  readonly area: Rectangle;
  /** Distance of the two patches, in the units of the raw map. */
  readonly distance: number;
  /**
   * The image as the network saw it, small, with the patch in its pixels. Null where the detector keeps no thumbnails,
   * and for images of lessons. Of an altered copy it is the image as it is, and the patch lies where it lay in the copy.
   */
  readonly thumbnail: { readonly image: PixelBuffer; readonly area: Rectangle } | null;
}

/** A region, and what comes nearest to its highest point among good images. */
export interface ExplainedRegion extends Region {
  readonly nearest: NearestNormal;
}

/** What of a detector an explanation works with. */
type Explained = Pick<CalibratedModel, 'model' | 'description' | 'ignored' | 'thumbnails'>;

function learnedImages({ trainingImages = [], lessons = [] }: DetectorDescription): LearnedImage[] {
  return [...trainingImages, ...(trainingImages.length > 0 ? lessons.flatMap(({ images }) => images) : [])];
}

function describe(
  { image: index, area, distance }: NearestPatch,
  learned: readonly LearnedImage[],
  { description, thumbnails }: Explained,
): NearestNormal {
  const { inputSize, resize, trainingImages = [] } = description;
  const [height, width] = inputSize;
  const image = learned[index];
  const corner = { x: area.x + area.width, y: area.y + area.height };
  // The patches of a letterbox's border lie outside the image: what is inside of them counts.
  const inside = (value: number, most: number): number => Math.round(Math.min(Math.max(value, 0), most));
  const placed = image && placement(image, { width, height }, resize.fit);
  const [from, to] = placed ? [placed.toImage(area), placed.toImage(corner)] : [area, corner];
  const most = image ?? { width, height };
  const [left, top] = [inside(from.x, most.width), inside(from.y, most.height)];
  return {
    id: image?.id ?? null,
    index,
    area: { left, top, width: inside(to.x, most.width) - left, height: inside(to.y, most.height) - top },
    distance,
    thumbnail:
      thumbnails && placed && index < trainingImages.length
        ? thumbnailAt(thumbnails, { image: index, area }, placed)
        : null,
  };
}

/** {@link Detector.explain}. */
export async function explainRegions(
  detector: Explained,
  input: ImageInput,
  regions: readonly Region[],
  { most = 8 }: ExplainOptions,
): Promise<ExplainedRegion[]> {
  const { model, description, ignored } = detector;
  if (!model.nearest || !model.keepsPatches) {
    throw new DskdError(
      'invalid-argument',
      `The method ${model.method} keeps no patches of good images to explain a region with.`,
      { hint: 'The methods instant and patchcore do.' },
    );
  }
  const chosen = [...regions].sort((a, b) => b.area - a.area).slice(0, most);
  if (chosen.length === 0) return [];
  const image = toRgb(input);
  const { inputSize, resize } = description;
  const placed = placement(image, { width: inputSize[1], height: inputSize[0] }, resize.fit);
  const places = chosen.map(({ peak }) => {
    const { x, y } = placed.toNetwork({ x: peak.x + 0.5, y: peak.y + 0.5 });
    return [y, x] as const;
  });
  const tensor = toImageTensor([preparePixels(image, preparationOf(description, ignored))]);
  const patches = await model.nearest(tensor, places).finally(() => tensor.dispose());
  const learned = learnedImages(description);
  return chosen.map((region, index) => ({
    ...region,
    nearest: describe(patches[index]!, learned, detector),
  }));
}
