import { DskdError } from '@dskd/base';
import type { ImageSource } from '@dskd/data';
import type { ScoreMetrics } from '@dskd/metrics';
import { fuseScores } from '@dskd/scoring';
import type { DetectorDescription } from '../artifact/description.js';
import { assertSource } from '../inference/arguments.js';
import type { Detector } from '../inference/detector.js';
import { fuseScoredMaps } from './fuse-scored-maps.js';
import { groundTruthOf } from './ground-truth.js';
import {
  predictTestImages,
  protocolOf,
  testSamplesOf,
  type TestImageOptions,
} from './predict-test-images.js';
import { MetricsAccumulator } from './score-metrics.js';
import { ignoredInImage, mapInImage } from '../inference/map-in-image.js';
import type { Prediction, ScoreMap } from '../inference/prediction.js';

/** The map and the score of some branches of a prediction, by the detector's rule. */
function combined(
  { branches, ignored, map: whole }: Prediction,
  names: readonly string[],
  { rule, weights }: DetectorDescription['fusion'],
): { readonly map: ScoreMap; readonly score: number } {
  const parts = names.map((name) => ({ ...branches[name]!, weight: weights[name] ?? 1 }));
  const mapped = parts.flatMap(({ map, weight }) => (map ? [{ data: map.data, weight }] : []));
  const fused =
    mapped.length > 0
      ? fuseScoredMaps(
          mapped.map(({ data }) => data),
          { ignored, rule, weights: mapped.map(({ weight }) => weight) },
        )
      : undefined;
  const withoutMap = parts.filter(({ map }) => map === null).map(({ score, weight }) => score * weight);
  return {
    map: { ...whole, data: fused?.map ?? new Float32Array(whole.data.length) },
    score: fuseScores(rule, [...(fused ? [fused.score] : []), ...withoutMap]),
  };
}

/** @throws {DskdError} `invalid-argument` */
function assertBranches(detector: Detector, combinations: Readonly<Record<string, readonly string[]>>): void {
  const known = detector.description.branches.map(({ name }) => name);
  for (const [name, branches] of Object.entries(combinations)) {
    const wrong = branches.filter(
      (branch, index) => !known.includes(branch) || branches.indexOf(branch) !== index,
    );
    if (branches.length > 0 && wrong.length === 0) continue;
    throw new DskdError(
      'invalid-argument',
      `Combination '${name}' has the branches ${branches.join(', ') || 'of no name'}; wanted one or more of ${known.join(', ')}, ` +
        'each at most once.',
      { details: { combination: name, branches, known } },
    );
  }
}

/**
 * What several combinations of a detector's students are worth on the test images of `source`, as if each were a
 * detector of its own: every student scores an image once, however many combinations it is in. Combine all students
 * that are to be compared with `combineDetectors` first.
 * @param combinations branch names by the name of the combination; one branch alone is its own score.
 * @returns by the name of the combination.
 * @throws {DskdError} `invalid-argument` (no such branch), `dataset-invalid` (no test images, a mask of another size),
 * `image-unreadable`, `disposed`, `aborted`.
 */
export async function evaluateCombinations(
  detector: Detector,
  source: ImageSource,
  combinations: Readonly<Record<string, readonly string[]>>,
  options: TestImageOptions = {},
): Promise<Record<string, ScoreMetrics>> {
  assertSource(source, 'source of evaluateCombinations');
  assertBranches(detector, combinations);
  const samples = testSamplesOf(source);
  const gathered = Object.entries(combinations).map(([name, branches]) => ({
    name,
    branches,
    quality: new MetricsAccumulator(),
  }));
  await predictTestImages(
    detector,
    { name: source.name, samples },
    options,
    async ({ sample, image, prediction }) => {
      const truth = await groundTruthOf(sample, image);
      const ignored = truth ? ignoredInImage(prediction, image) : null;
      const { id: name, defectType: subset } = sample;
      for (const { branches, quality } of gathered) {
        const { map, score } = combined(prediction, branches, detector.description.fusion);
        quality.add(score);
        if (!truth) continue;
        const inImage = mapInImage({ map, content: prediction.content }, image);
        quality.pixels.add({ name, subset, map: inImage, truth, ignored });
      }
    },
  );
  const protocol = protocolOf(samples);
  return Object.fromEntries(gathered.map(({ name, quality }) => [name, quality.result(samples, protocol)]));
}
