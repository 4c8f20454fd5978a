import { encodeImage } from '@dskd/data/node';
import type { EvaluatedImage } from '@dskd/detector';
import { makePanels, type GalleryImage, type HeatScale } from '@dskd/report';

const GROUPS: Readonly<Record<string, string>> = {
  logical_anomalies: 'Logical anomalies',
  structural_anomalies: 'Structural anomalies',
  good: 'Good parts',
};

export interface GalleryOptions {
  readonly scale: HeatScale;
  /** How many images the page will show: the more, the smaller. */
  readonly images: number;
  /** What was drawn wrong in an image, where anything was. */
  readonly anomalyOf: (id: string) => string | undefined;
}

/** A test image for the page: input, ground truth, each branch's map and the fused one, and the verdict. */
export async function galleryImage(
  { sample, image, prediction, maps, mask }: EvaluatedImage,
  { scale, images: count, anomalyOf }: GalleryOptions,
): Promise<GalleryImage> {
  const { id, label, defectType } = sample;
  const truth = label === 'anomalous' && mask !== undefined;
  const images = await makePanels(
    { image: image, ...(truth && { mask }), ...maps },
    { scale, images: count, encode: (panel) => encodeImage(panel, { format: 'webp' }) },
  );
  const { score, verdict, branches } = prediction;
  return {
    id,
    label,
    defectType: anomalyOf(id)?.replaceAll('_', ' ') ?? defectType,
    score,
    verdict,
    branchScores: Object.fromEntries(Object.entries(branches).map(([name, branch]) => [name, branch.score])),
    group: GROUPS[defectType] ?? defectType,
    images,
  };
}

/** The anomalies first: they are what one looks for. */
export function inGroups(images: readonly GalleryImage[]): GalleryImage[] {
  return Object.values(GROUPS).flatMap((group) => images.filter((image) => image.group === group));
}
