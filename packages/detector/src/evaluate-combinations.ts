import { DskdError } from '@dskd/base';
import type { ImageSource } from '@dskd/data';
import type { ScoreMetrics } from '@dskd/metrics';
import type { Detector } from './detector.js';
import { groundTruthOf } from './evaluation/ground-truth.js';
import { ignoredInImage } from './evaluation/ignored-in-image.js';
import { predictTestImages, testSamplesOf, type TestImageOptions } from './evaluation/predict-test-images.js';
import { protocolOf } from './evaluation/protocol.js';
import { MetricsGatherer } from './evaluation/score-metrics.js';
import { mapInImage } from './map-in-image.js';
import type { Prediction, ScoreMap } from './prediction.js';

/** The sum of normalized, smoothed maps (Eq. 8). */
function summed(maps: readonly ScoreMap[]): ScoreMap {
  const [first, ...others] = maps as [ScoreMap, ...ScoreMap[]];
  const data = first.data.slice();
  for (const other of others) {
    for (let pixel = 0; pixel < data.length; pixel++) data[pixel]! += other.data[pixel]!;
  }
  return { ...first, data };
}

function maximum({ data }: ScoreMap, ignored: Uint8Array | null): number {
  let score = -Infinity;
  for (let pixel = 0; pixel < data.length; pixel++) {
    if (!ignored?.[pixel] && data[pixel]! > score) score = data[pixel]!;
  }
  return score;
}

/** The map and the score of some branches of a prediction. */
function combined(
  { branches, ignored }: Prediction,
  names: readonly string[],
): { readonly map: ScoreMap; readonly score: number } {
  const parts = names.map((name) => branches[name]!);
  if (parts.length === 1) return parts[0]!;
  const map = summed(parts.map((part) => part.map));
  return { map, score: maximum(map, ignored) };
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
  assertBranches(detector, combinations);
  const samples = testSamplesOf(source);
  const gathered = Object.entries(combinations).map(([name, branches]) => ({
    name,
    branches,
    quality: new MetricsGatherer(),
  }));
  await predictTestImages(detector, samples, options, async ({ sample, image, prediction }) => {
    const truth = await groundTruthOf(sample, image);
    const ignored = truth ? ignoredInImage(prediction, image) : null;
    const { id: name, defectType: subset } = sample;
    for (const { branches, quality } of gathered) {
      const { map, score } = combined(prediction, branches);
      quality.add(score);
      if (!truth) continue;
      const inImage = mapInImage({ map, content: prediction.content }, image);
      quality.pixels.add({ name, subset, map: inImage, truth, ignored });
    }
  });
  const protocol = protocolOf(samples);
  return Object.fromEntries(gathered.map(({ name, quality }) => [name, quality.result(samples, protocol)]));
}
