import { encodeImage } from '@dskd/data/node';
import type { DetectorDescription, EvaluatedImage } from '@dskd/detector';
import { makePanels, type GalleryImage, type HeatScale } from '@dskd/report';

const GROUPS: Readonly<Record<string, string>> = {
  logical_anomalies: 'Logical anomalies',
  structural_anomalies: 'Structural anomalies',
  good: 'Good parts',
};

export interface GalleryOptions {
  readonly scale: HeatScale;
  /** How the detector fuses its branches. */
  readonly fusion: DetectorDescription['fusion']['rule'];
  /** How many images the page will show: the more, the smaller. */
  readonly images: number;
  /** What was drawn wrong in an image, where anything was. */
  readonly anomalyOf: (id: string) => string | undefined;
}

/** A test image for the page: input, ground truth, each branch's map and the fused one, and the verdict. */
export async function galleryImage(
  { sample, image, prediction, maps, mask }: EvaluatedImage,
  { scale, fusion, images: count, anomalyOf }: GalleryOptions,
): Promise<GalleryImage> {
  const { id, label, defectType } = sample;
  const truth = label === 'anomalous' && mask !== undefined;
  const images = await makePanels(
    { image: image, ...(truth && { mask }), ...maps },
    { scale, fusion, images: count, encode: (panel) => encodeImage(panel, { format: 'webp' }) },
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

/** What is shown of an image beside the maps of the first detector. */
export interface SecondMaps {
  /** Name of the method. */
  readonly name: string;
  readonly threshold: number;
  readonly gallery: readonly GalleryImage[];
}

/** Puts the maps of a second detector before those of the first, in the order of its images. */
export function withMapsOf(
  { name, threshold, gallery }: SecondMaps,
  first: readonly GalleryImage[],
): GalleryImage[] {
  const named = <T>(values: Readonly<Record<string, T>>, fused: T): Record<string, T> =>
    Object.fromEntries(
      [...Object.entries(values), ['fused', fused] as const].map(([branch, value]) => [
        `${name} ${branch}`,
        value,
      ]),
    );
  return first.map((image, index) => {
    const other = gallery[index]!;
    const maps = named(other.images.branches, other.images.fused);
    return {
      ...image,
      branchScores: { ...image.branchScores, ...named(other.branchScores, other.score) },
      thresholds: Object.fromEntries(Object.keys(maps).map((map) => [map, threshold])),
      images: { ...image.images, branches: { ...maps, ...image.images.branches } },
    };
  });
}

/** The anomalies first: they are what one looks for. */
export function inGroups(images: readonly GalleryImage[]): GalleryImage[] {
  return Object.values(GROUPS).flatMap((group) => images.filter((image) => image.group === group));
}
