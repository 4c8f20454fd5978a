import { TRAINING_DEFAULTS } from '@dskd/methods';
import { quantileThreshold, type BranchNormalization } from '@dskd/scoring';
import type { DetectorDescription } from '../artifact/description.js';

/** What predictions need of each branch's calibration. */
export interface Calibrated {
  readonly normalizations: ReadonlyMap<string, BranchNormalization>;
  /** The score above which a branch alone raises an alarm, at the detector's rate of false alarms. */
  readonly thresholds: ReadonlyMap<string, number>;
}

/** What a description says of its branches' calibration. */
export function calibratedBranches({ branches, threshold }: DetectorDescription): Calibrated {
  const rate = threshold.falseAlarmRate ?? TRAINING_DEFAULTS.falseAlarmRate;
  return {
    normalizations: new Map(branches.map(({ name, normalization }) => [name, normalization])),
    thresholds: new Map(
      branches.map(({ name, calibrationScores }) => [
        name,
        quantileThreshold(calibrationScores, rate).threshold,
      ]),
    ),
  };
}
