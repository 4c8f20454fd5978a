import { encodeWebp } from '@dskd/data/node';
import type { EvaluatedPicture } from '@dskd/detector';
import { makePanels, panelSide, type GalleryPicture, type HeatScale } from '@dskd/report';

const GROUPS: Readonly<Record<string, string>> = {
  logical_anomalies: 'Logical anomalies',
  structural_anomalies: 'Structural anomalies',
  good: 'Good parts',
};

export interface GalleryOptions {
  readonly scale: HeatScale;
  /** How many pictures the page will show: the more, the smaller. */
  readonly pictures: number;
  /** What was drawn wrong in a picture, where anything was. */
  readonly anomalyOf: (id: string) => string | undefined;
}

/** A test picture for the page: input, ground truth, each branch's map and the fused one, and the verdict. */
export async function galleryPicture(
  { sample, picture, prediction, maps, mask }: EvaluatedPicture,
  { scale, pictures, anomalyOf }: GalleryOptions,
): Promise<GalleryPicture> {
  const { id, label, defectType } = sample;
  const truth = label === 'anomalous' && mask !== undefined;
  const images = await makePanels(
    { image: picture, ...(truth && { mask }), ...maps },
    { scale, side: panelSide(pictures), encode: encodeWebp },
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
export function inGroups(pictures: readonly GalleryPicture[]): GalleryPicture[] {
  return Object.values(GROUPS).flatMap((group) => pictures.filter((picture) => picture.group === group));
}
