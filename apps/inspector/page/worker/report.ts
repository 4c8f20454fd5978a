import { sourceOf } from '@dskd/data';
import { decodeImage } from '@dskd/data/web';
import { evaluateDetector, mapInImage, type Detector, type EvaluatedImage } from '@dskd/detector';
import {
  GalleryCollector,
  makeExplanation,
  makePanels,
  renderReport,
  type Explanation,
  type Fact,
  type GalleryImage,
} from '@dskd/report';
import type { OnProgress, ReportRequest } from './api.js';
import { ignoredFor } from './ignored.js';
import { scaleOf } from './inspection.js';
import { sampleOf } from './learning.js';
import { encoded, fitting } from './pictures.js';

/** Images of which nobody said what they are: as many are shown. */
const MOST_UNKNOWN = 60;
/** Longer side in pixels of what is shown: the maps of a large image would take as much memory as itself, each. */
const SIDE = 512;

type Panels = GalleryImage['images'];
type Shown = Pick<EvaluatedImage, 'image' | 'prediction'>;

async function bytesOf(pixels: Parameters<typeof encoded>[0]): Promise<Uint8Array> {
  return new Uint8Array(await (await encoded(pixels, 'image/webp')).arrayBuffer());
}

async function explanationOf(
  detector: Detector,
  { image, prediction }: Shown,
): Promise<Explanation | undefined> {
  if (!detector.model.keepsPatches) return undefined;
  const [largest] = await detector.explain(image, prediction.regions, { most: 1 });
  if (!largest) return undefined;
  const { box, nearest } = largest;
  const { id, index, distance, thumbnail } = nearest;
  return makeExplanation(
    {
      image,
      region: box,
      ...(thumbnail && { thumbnail: { image: thumbnail.image, patch: thumbnail.area } }),
      from: id ?? `${index + 1}`,
      distance,
    },
    { encode: bytesOf },
  );
}

async function panelsOf(detector: Detector, shown: Shown, images: number): Promise<Panels> {
  const { map, content, branches } = shown.prediction;
  const image = fitting(shown.image, SIDE);
  const panels = await makePanels(
    {
      image,
      fused: mapInImage({ map, content }, image),
      branches: Object.fromEntries(
        Object.entries(branches).flatMap(([name, { map: own }]) =>
          own ? [[name, mapInImage({ map: own, content }, image)]] : [],
        ),
      ),
    },
    { scale: scaleOf(detector), fusion: detector.description.fusion.rule, images, encode: bytesOf },
  );
  const explanation = await explanationOf(detector, shown);
  return { ...panels, ...(explanation && { explanation }) };
}

function scoresOf({ prediction }: Shown): Pick<GalleryImage, 'score' | 'verdict' | 'branchScores'> {
  const { score, verdict, branches } = prediction;
  const branchScores = Object.fromEntries(
    Object.entries(branches).map(([name, branch]) => [name, branch.score]),
  );
  return { score, verdict, branchScores };
}

function factsOf({ description }: Detector, { name, ignored }: ReportRequest): Fact[] {
  const { method, teacher, inputSize, trainings, lessons = [] } = description;
  return [
    { label: 'Model', value: name },
    { label: 'Method', value: method },
    ...(teacher ? [{ label: 'Teacher', value: `${teacher.name}, sha256 ${teacher.sha256}` }] : []),
    { label: 'Input', value: `${inputSize.join(' x ')} pixels (height x width)` },
    ...trainings.map(({ images, dataFingerprint, backend }) => ({
      label: 'Training',
      value: `${images} images, data fingerprint ${dataFingerprint}, backend ${backend}`,
    })),
    ...(lessons.length > 0 ? [{ label: 'Lessons', value: String(lessons.length) }] : []),
    ...(ignored.length > 0 ? [{ label: 'Ignored areas', value: String(ignored.length) }] : []),
    { label: 'Made by', value: `the inspector of dskd in ${navigator.userAgent}` },
    { label: 'Written', value: `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC` },
  ];
}

/** What does not count in the images. Those of one report have the same proportions. */
async function ignoringIn(
  detector: Detector,
  { images: [first], ignored }: ReportRequest,
): Promise<ReturnType<typeof ignoredFor>> {
  return first && ignored.length > 0 ? ignoredFor(detector, ignored, await decodeImage(first.file)) : {};
}

/**
 * The one-file HTML report of what was inspected: metrics over the images of which the user said what they are, and a
 * gallery of those and of the others.
 */
export async function reportOf(
  detector: Detector,
  request: ReportRequest,
  { onProgress, signal }: { readonly onProgress: OnProgress; readonly signal: AbortSignal },
): Promise<string> {
  const { images, name } = request;
  const options = { signal, ...(await ignoringIn(detector, request)) };
  const known = images.filter(({ truth }) => truth);
  const unknown = images.filter(({ truth }) => !truth).slice(0, MOST_UNKNOWN);
  const total = known.length + unknown.length;
  let done = 0;
  const advance = (): void => onProgress({ stage: 'scoring', share: ++done / total });

  const collector = new GalleryCollector();
  const samples = known.map(({ truth, ...image }) =>
    sampleOf(image, { split: 'test', label: truth!, defectType: truth! }),
  );
  const evaluation =
    known.length > 0
      ? await evaluateDetector(detector, sourceOf(name, samples), {
          ...options,
          onImage: async (evaluated) => {
            const { id, label, defectType } = evaluated.sample;
            await collector.consider({ id, label, defectType, ...scoresOf(evaluated) }, () =>
              panelsOf(detector, evaluated, collector.capacity),
            );
            advance();
          },
        })
      : undefined;

  const gallery: GalleryImage[] = collector.images();
  for (const { id, file } of unknown) {
    const image = await decodeImage(file, { signal });
    const shown = { image, prediction: await detector.predict(image, options) };
    gallery.push({
      id,
      ...scoresOf(shown),
      group: 'Inspected',
      images: await panelsOf(detector, shown, total),
    });
    advance();
  }
  const { calibration, threshold } = detector.description;
  return renderReport({
    title: `${name}: inspection`,
    ...(evaluation && { evaluation }),
    gallery,
    heatScale: scaleOf(detector),
    fusion: detector.description.fusion.rule,
    calibration: {
      scores: calibration.scores,
      threshold: threshold.value,
      falseAlarmRate: threshold.falseAlarmRate,
      guaranteed: threshold.guaranteed,
      images: calibration.images,
    },
    facts: factsOf(detector, request),
  });
}
