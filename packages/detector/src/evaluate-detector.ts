import type { PixelBuffer } from '@dskd/base';
import type { ImageSource, Sample } from '@dskd/data';
import type { EvaluationResult, ScoredSample } from '@dskd/metrics';
import type { Detector } from './detector.js';
import { groundTruthOf } from './evaluation/ground-truth.js';
import { ignoredInPicture } from './evaluation/ignored-in-picture.js';
import {
  predictTestPictures,
  testSamplesOf,
  type PredictedPicture,
  type TestPictureOptions,
} from './evaluation/predict-test-pictures.js';
import { protocolOf } from './evaluation/protocol.js';
import { QualityGatherer } from './evaluation/quality.js';
import type { IgnoreMask } from './ignored-pixels.js';
import { mapInPicture } from './map-in-picture.js';
import type { Prediction, ScoreMap } from './prediction.js';

/** A test picture, just scored: what an evaluation has at hand and does not keep. */
export interface EvaluatedPicture extends PredictedPicture {
  /** In the picture's own pixels; what the pixel metrics are measured on. */
  readonly maps: { readonly fused: ScoreMap; readonly branches: Readonly<Record<string, ScoreMap>> };
  /** 1 channel, not 0 where anything is anomalous; undefined where that is not known. */
  readonly mask: PixelBuffer | undefined;
}

export interface EvaluateOptions extends TestPictureOptions {
  /**
   * Pixels that count neither for scores nor for pixel metrics, besides those that the detector ignores itself.
   * Labels of pictures stay: a defect that lies in it alone is still to be found.
   */
  readonly ignored?: IgnoreMask;
  /**
   * Called for each test picture, in order, and awaited: to write maps or gather a gallery without a second pass.
   * It may keep what it is given, which for large pictures is much.
   */
  readonly onPicture?: (picture: EvaluatedPicture) => void | Promise<void>;
}

function mapsOf({ map, content, branches }: Prediction, picture: PixelBuffer): EvaluatedPicture['maps'] {
  return {
    fused: mapInPicture({ map, content }, picture),
    branches: Object.fromEntries(
      Object.entries(branches).map(([name, branch]) => [
        name,
        mapInPicture({ map: branch.map, content }, picture),
      ]),
    ),
  };
}

/**
 * Scores the test split of `source` and compares with its labels and ground truth, by the rules of MVTec LOCO AD
 * where the anomalous pictures' defects are known apart (`loadRegions`) or belong to its two subsets, else by those
 * of MVTec AD.
 *
 * A picture's score is the detector's, the maximum of the map at network size. Pixel metrics are those of the maps
 * in the pictures' own pixels ({@link mapInPicture}) against ground truth as it is; no map is kept. Pixels that the
 * detector or `ignored` ignores do not count, the border of a letterbox is not in the picture.
 * @throws {DskdError} `dataset-invalid` (no test pictures; a mask of another size than its picture),
 * `invalid-argument` (a mask or region without a pixel), `image-unreadable`, `aborted`; whatever `onPicture` throws.
 */
export async function evaluateDetector(
  detector: Detector,
  source: ImageSource,
  { onPicture, ...options }: EvaluateOptions = {},
): Promise<EvaluationResult> {
  const samples = testSamplesOf(source);
  const fused = new QualityGatherer();
  const branches = new Map(detector.description.branches.map(({ name }) => [name, new QualityGatherer()]));
  const scored: ScoredSample[] = [];
  let withMask = 0;

  await predictTestPictures(detector, samples, options, async ({ sample, picture, prediction }) => {
    fused.add(prediction.score);
    for (const [name, { score }] of Object.entries(prediction.branches)) branches.get(name)!.add(score);
    scored.push(scoredSample(sample, prediction));
    const truth = await groundTruthOf(sample, picture);
    if (truth && sample.label === 'anomalous') withMask++;
    if (!truth && !onPicture) return;
    const maps = mapsOf(prediction, picture);
    if (truth) {
      const { id: name, label, defectType } = sample;
      const subset = label === 'good' ? 'good' : defectType;
      const judged = { name, subset, truth, ignored: ignoredInPicture(prediction, picture) };
      fused.pixels.add({ ...judged, map: maps.fused });
      for (const [branch, map] of Object.entries(maps.branches)) {
        branches.get(branch)!.pixels.add({ ...judged, map });
      }
    }
    const { width, height } = picture;
    const mask = truth && { data: truth.mask, width, height, channels: 1 };
    await onPicture?.({ sample, picture, prediction, maps, mask });
  });
  const count = (label: Sample['label'], verdict?: Prediction['verdict']): number =>
    scored.filter((s) => s.label === label && (verdict === undefined || s.verdict === verdict)).length;
  const protocol = protocolOf(samples);
  return {
    source: source.name,
    protocol,
    pictures: { good: count('good'), anomalous: count('anomalous'), withMask },
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
