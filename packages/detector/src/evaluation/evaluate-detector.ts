import type { PixelBuffer } from '@dskd/base';
import type { ImageSource, Sample } from '@dskd/data';
import type { EvaluationResult, ScoredSample } from '@dskd/metrics';
import { assertSource } from '../inference/arguments.js';
import type { Detector } from '../inference/detector.js';
import { groundTruthOf } from './ground-truth.js';
import {
  predictTestImages,
  protocolOf,
  testSamplesOf,
  type PredictedImage,
  type TestImageOptions,
} from './predict-test-images.js';
import { MetricsAccumulator } from './score-metrics.js';
import type { IgnoreMask } from '../inference/ignored-pixels.js';
import { ignoredInImage, mapInImage } from '../inference/map-in-image.js';
import type { Prediction, ScoreMap } from '../inference/prediction.js';

/** A test image, just scored: what an evaluation has at hand and does not keep. */
export interface EvaluatedImage extends PredictedImage {
  /** In the image's own pixels; what the pixel metrics are measured on. */
  readonly maps: { readonly fused: ScoreMap; readonly branches: Readonly<Record<string, ScoreMap>> };
  /** 1 channel, not 0 where anything is anomalous; undefined where that is not known. */
  readonly mask: PixelBuffer | undefined;
}

export interface EvaluateOptions extends TestImageOptions {
  /**
   * Pixels that count neither for scores nor for pixel metrics, besides those that the detector ignores itself.
   * Labels of images stay: a defect that lies in it alone is still to be found.
   */
  readonly ignored?: IgnoreMask;
  /**
   * Called for each test image, in order, and awaited: to write maps or gather a gallery without a second pass.
   * It may keep what it is given, which for large images is much.
   */
  readonly onImage?: (image: EvaluatedImage) => void | Promise<void>;
}

function mapsOf({ map, content, branches }: Prediction, image: PixelBuffer): EvaluatedImage['maps'] {
  return {
    fused: mapInImage({ map, content }, image),
    branches: Object.fromEntries(
      Object.entries(branches).flatMap(([name, { map: own }]) =>
        own ? [[name, mapInImage({ map: own, content }, image)]] : [],
      ),
    ),
  };
}

/**
 * Scores the test split of `source` and compares with its labels and ground truth, by the rules of MVTec LOCO AD
 * where the anomalous images' defects are known apart (`loadRegions`) or belong to its two subsets, else by those
 * of MVTec AD.
 *
 * An image's score is the detector's, the maximum of the map at network size. Pixel metrics are those of the maps
 * in the images' own pixels ({@link mapInImage}) against ground truth as it is; no map is kept. Pixels that the
 * detector or `ignored` ignores do not count, the border of a letterbox is not in the image.
 * @throws {DskdError} `dataset-invalid` (no test images; a mask of another size than its image),
 * `invalid-argument` (a mask or region without a pixel), `image-unreadable`, `aborted`; whatever `onImage` throws.
 */
export async function evaluateDetector(
  detector: Detector,
  source: ImageSource,
  { onImage, ...options }: EvaluateOptions = {},
): Promise<EvaluationResult> {
  assertSource(source, 'source of evaluateDetector');
  const samples = testSamplesOf(source);
  const fused = new MetricsAccumulator();
  const branches = new Map(detector.description.branches.map(({ name }) => [name, new MetricsAccumulator()]));
  const scored: ScoredSample[] = [];
  let withMask = 0;

  await predictTestImages(
    detector,
    { name: source.name, samples },
    options,
    async ({ sample, image, prediction }) => {
      fused.add(prediction.score);
      for (const [name, { score }] of Object.entries(prediction.branches)) branches.get(name)!.add(score);
      scored.push(scoredSample(sample, prediction));
      const truth = await groundTruthOf(sample, image);
      if (truth && sample.label === 'anomalous') withMask++;
      if (!truth && !onImage) return;
      const maps = mapsOf(prediction, image);
      if (truth) {
        const { id: name, label, defectType } = sample;
        const subset = label === 'good' ? 'good' : defectType;
        const judged = { name, subset, truth, ignored: ignoredInImage(prediction, image) };
        fused.pixels.add({ ...judged, map: maps.fused });
        for (const [branch, map] of Object.entries(maps.branches)) {
          branches.get(branch)!.pixels.add({ ...judged, map });
        }
      }
      const { width, height } = image;
      const mask = truth && { data: truth.mask, width, height, channels: 1 };
      await onImage?.({ sample, image, prediction, maps, mask });
    },
  );
  const count = (label: Sample['label'], verdict?: Prediction['verdict']): number =>
    scored.filter((s) => s.label === label && (verdict === undefined || s.verdict === verdict)).length;
  const protocol = protocolOf(samples);
  return {
    source: source.name,
    protocol,
    images: { good: count('good'), anomalous: count('anomalous'), withMask },
    fused: fused.result(samples, protocol),
    branches: Object.fromEntries(
      [...branches].map(([name, gatherer]) => [name, gatherer.result(samples, protocol)]),
    ),
    atThreshold: {
      threshold: detector.threshold,
      falseAlarms: count('good', 'anomalous'),
      misses: count('anomalous', 'normal'),
    },
    samples: scored,
  };
}

function scoredSample({ id, label, defectType }: Sample, prediction: Prediction): ScoredSample {
  const { score, verdict, branches } = prediction;
  const branchScores = Object.fromEntries(
    Object.entries(branches).map(([name, branch]) => [name, branch.score]),
  );
  return { id, label, defectType, score, branchScores, verdict };
}
