import { DskdError } from '@dskd/base';
import { compareAurocs, type AurocComparison } from './compare-aurocs.js';
import type { EvaluationResult, ScoredSample } from './evaluation-result.js';

/** What is compared of an evaluation. */
export type ComparableEvaluation = Pick<EvaluationResult, 'source' | 'samples'>;

/** An image that one of two detectors judges normal and the other anomalous. */
export interface ChangedVerdict {
  readonly id: string;
  readonly label: ScoredSample['label'];
  readonly defectType: string;
  /** Of the second detector; the first says the contrary. */
  readonly verdict: ScoredSample['verdict'];
  /** Whether the second detector is the one that is right. */
  readonly better: boolean;
}

/** Two detectors on the same images. */
export interface EvaluationComparison {
  /** Of the scores of all images, whatever the protocol. */
  readonly auroc: AurocComparison;
  /** In the order of the first evaluation. */
  readonly changed: readonly ChangedVerdict[];
}

function differenceOf(first: ScoredSample | undefined, second: ScoredSample | undefined): string | undefined {
  if (!first) return 'is in the second only';
  if (!second) return 'is in the first only';
  if (first.label !== second.label) return `is ${first.label} in the first and ${second.label} in the second`;
  return undefined;
}

/**
 * Compares two evaluations of the same images, image by image.
 * @throws {DskdError} `invalid-argument` where they are not of the same images with the same labels, or where
 * `compareAurocs` refuses them.
 */
export function compareEvaluations(
  first: ComparableEvaluation,
  second: ComparableEvaluation,
): EvaluationComparison {
  const byId = new Map(second.samples.map((sample) => [sample.id, sample]));
  const ids = new Set([...first.samples, ...second.samples].map(({ id }) => id));
  const known = new Map(first.samples.map((sample) => [sample.id, sample]));
  const problems = [...ids].flatMap((id) => {
    const problem = differenceOf(known.get(id), byId.get(id));
    return problem === undefined ? [] : [`${id} ${problem}`];
  });
  if (problems.length > 0) {
    const shown = problems.slice(0, 3).join('; ');
    throw new DskdError(
      'invalid-argument',
      `The evaluations of ${first.source} and ${second.source} are not of the same images: ${shown}` +
        `${problems.length > 3 ? `; and ${problems.length - 3} more` : ''}.`,
      { hint: 'Evaluate both detectors on the same test images.', details: { differing: problems.length } },
    );
  }
  const pairs = first.samples.map((sample) => [sample, byId.get(sample.id)!] as const);
  return {
    auroc: compareAurocs({
      labels: pairs.map(([{ label }]) => label === 'anomalous'),
      first: pairs.map(([{ score }]) => score),
      second: pairs.map(([, { score }]) => score),
    }),
    changed: pairs
      .filter(([before, after]) => before.verdict !== after.verdict)
      .map(([, { id, label, defectType, verdict }]) => ({
        id,
        label,
        defectType,
        verdict,
        better: (verdict === 'anomalous') === (label === 'anomalous'),
      })),
  };
}
