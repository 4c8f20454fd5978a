import type { PixelBuffer } from '@dskd/base';
import { decodeImage } from '@dskd/data/web';
import { mapInImage, type Detector, type ExplainedRegion, type Prediction } from '@dskd/detector';
import { explanationCuts, heatMapOverlay, heatScaleOf, type HeatScale } from '@dskd/report';
import type { Area, FoundRegion, Inspection, LiveView, NamedImage, Nearest, View } from './api.js';
import { ignoredFor } from './ignored.js';
import { bitmapOf, fitting } from './pictures.js';

/** Longer side in pixels of what is drawn for the screen. */
const SHOWN = 720;
const SHOWN_LIVE = 480;
/** Side in pixels of the two cuts of an explanation. */
const CUT = 144;
/** Regions that are listed, the largest first. */
const MOST_REGIONS = 12;
/** Regions that are explained. */
const MOST_EXPLAINED = 4;

async function timed(
  detector: Detector,
  image: PixelBuffer,
  areas: readonly Area[],
): Promise<{ prediction: Prediction; inspection: Inspection }> {
  const started = performance.now();
  const prediction = await detector.predict(image, ignoredFor(detector, areas, image));
  const branches = Object.fromEntries(
    Object.entries(prediction.branches).map(([name, { score, pValue, anomalous }]) => [
      name,
      { score, pValue, anomalous },
    ]),
  );
  const { score, pValue } = prediction;
  return { prediction, inspection: { score, pValue, branches, milliseconds: performance.now() - started } };
}

/** Scores a file. */
export async function inspectFile(
  detector: Detector,
  { file }: NamedImage,
  areas: readonly Area[],
): Promise<Inspection> {
  return (await timed(detector, await decodeImage(file), areas)).inspection;
}

export function scaleOf({ description, threshold }: Detector): HeatScale {
  return heatScaleOf(description.calibration.scores, threshold);
}

/** The image under each map. The scale is that of the detector; each of n maps that are added has its share of it. */
async function overlays(
  detector: Detector,
  shown: PixelBuffer,
  { map, branches, content }: Prediction,
): Promise<Record<string, ImageBitmap>> {
  const scale = scaleOf(detector);
  const withMap = Object.entries(branches).filter(([, branch]) => branch.map);
  const shares = detector.description.fusion.rule === 'sum' ? withMap.length : 1;
  const drawn: Record<string, ImageBitmap> = {
    fused: await bitmapOf(heatMapOverlay(shown, mapInImage({ map, content }, shown), scale)),
  };
  for (const [name, branch] of withMap) {
    drawn[name] = await bitmapOf(
      heatMapOverlay(shown, mapInImage({ map: branch.map!, content }, shown), {
        low: scale.low / shares,
        threshold: scale.threshold / shares,
      }),
    );
  }
  return drawn;
}

async function nearestOf(
  { box, nearest }: ExplainedRegion,
  image: PixelBuffer,
  learned: ReadonlyMap<string, Blob>,
): Promise<Nearest> {
  const file = nearest.id === null ? undefined : learned.get(nearest.id);
  const { thumbnail } = nearest;
  const cuts = explanationCuts(
    {
      image,
      region: box,
      ...(thumbnail && { thumbnail: { image: thumbnail.image, patch: thumbnail.area } }),
      ...(file && { good: { image: await decodeImage(file), patch: nearest.area } }),
    },
    CUT,
  );
  const good = cuts.nearest ?? cuts.thumbnail;
  return {
    from: nearest.id ?? `${nearest.index + 1}`,
    distance: nearest.distance,
    region: await bitmapOf(cuts.region),
    good: good ? await bitmapOf(good) : null,
  };
}

/**
 * Scores a file and draws everything about it.
 * @param learned the good images of this session by name, to cut patches from.
 */
export async function viewFile(
  detector: Detector,
  { file }: NamedImage,
  { areas, learned }: { readonly areas: readonly Area[]; readonly learned: ReadonlyMap<string, Blob> },
): Promise<View> {
  const image = await decodeImage(file);
  const { prediction, inspection } = await timed(detector, image, areas);
  const { width, height } = image;
  const largest = [...prediction.regions].sort((a, b) => b.area - a.area).slice(0, MOST_REGIONS);
  const explained = detector.model.keepsPatches
    ? await detector.explain(image, largest, { most: MOST_EXPLAINED })
    : [];
  const regions: FoundRegion[] = [];
  for (const [index, { box, area, score }] of largest.entries()) {
    const found = explained[index];
    const nearest = found ? await nearestOf(found, image, learned) : null;
    regions.push({ box, area, score, nearest });
  }
  const shown = fitting(image, SHOWN);
  return {
    ...inspection,
    width,
    height,
    image: await bitmapOf(shown),
    maps: await overlays(detector, shown, prediction),
    regions,
  };
}

/** Scores a frame of a camera. The frame is closed. */
export async function inspectFrame(
  detector: Detector,
  frame: ImageBitmap,
  areas: readonly Area[],
): Promise<LiveView> {
  const image = await decodeImage(frame);
  frame.close();
  const { prediction, inspection } = await timed(detector, image, areas);
  const shown = fitting(image, SHOWN_LIVE);
  const { map, content } = prediction;
  const drawn = heatMapOverlay(shown, mapInImage({ map, content }, shown), scaleOf(detector));
  return { ...inspection, frame: await bitmapOf(drawn) };
}
