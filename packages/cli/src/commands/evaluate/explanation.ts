import { encodeImage } from '@dskd/data/node';
import type { ImageSource } from '@dskd/data';
import type { Detector, EvaluatedImage, ExplainedRegion } from '@dskd/detector';
import { makeExplanation, type Explanation } from '@dskd/report';

/**
 * Explains the largest region of an image by the nearest good patch, if the method keeps patches. The good image is
 * shown only if `source` is the data that the detector was trained on, because other data may have images of the same
 * name; otherwise its thumbnail, if the detector keeps thumbnails.
 */
export async function explanationOf(
  detector: Detector,
  source: ImageSource,
  { image, prediction }: Pick<EvaluatedImage, 'image' | 'prediction'>,
): Promise<Explanation | undefined> {
  if (!detector.model.keepsPatches) return undefined;
  const [largest] = await detector.explain(image, prediction.regions, { most: 1 });
  if (!largest) return undefined;
  const { box, nearest } = largest;
  const fingerprint = await source.fingerprint();
  const trainedOn = detector.description.trainings.some(
    ({ dataFingerprint }) => dataFingerprint === fingerprint,
  );
  const { thumbnail } = nearest;
  return makeExplanation(
    {
      image,
      region: box,
      ...(thumbnail && { thumbnail: { image: thumbnail.image, patch: thumbnail.area } }),
      ...(trainedOn && (await goodImage(source, nearest, detector.intensityRange))),
      from: nearest.id ?? `number ${nearest.index} of the training`,
      distance: nearest.distance,
    },
    { encode: (panel) => encodeImage(panel, { format: 'webp' }) },
  );
}

async function goodImage(
  { samples }: ImageSource,
  { id, area }: ExplainedRegion['nearest'],
  intensityRange: Detector['intensityRange'],
): Promise<Pick<Parameters<typeof makeExplanation>[0], 'good'>> {
  const sample = samples.find((each) => each.id === id);
  return sample ? { good: { image: await sample.load({ intensityRange }), patch: area } } : {};
}
