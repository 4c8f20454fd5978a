import type { BranchPrediction, Prediction } from '@dskd/detector';

/** A prediction without its maps: plain JSON, in the order of keys that `dskd predict` prints. */
export interface PlainPrediction extends Pick<
  Prediction,
  'verdict' | 'score' | 'threshold' | 'pValue' | 'regions'
> {
  readonly branches: Readonly<Record<string, Omit<BranchPrediction, 'map'>>>;
}

/** What a command or a server tells of a prediction: everything except its maps. */
export function plainPrediction({
  verdict,
  score,
  threshold,
  pValue,
  branches,
  regions,
}: Prediction): PlainPrediction {
  return {
    verdict,
    score,
    threshold,
    pValue,
    branches: Object.fromEntries(
      Object.entries(branches).map(([name, { score: own, pValue: p, anomalous }]) => [
        name,
        { score: own, pValue: p, anomalous },
      ]),
    ),
    regions,
  };
}
