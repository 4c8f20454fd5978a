import { DskdError } from '@dskd/base';

/**
 * Counts of normal images for distribution-free bounds on the rate of false alarms.
 *
 * Let n normal scores be independent draws of one distribution, and the threshold the k-th largest of them. The rate of
 * false alarms on new images of that distribution then follows Beta(k, n - k + 1) (or is lower, when scores tie): it is
 * at most r with probability `I_r(k, n - k + 1)`, the probability of at least k successes in n trials (Wilks,
 * "Determination of sample sizes for setting tolerance limits", 1941). k must be chosen before the scores are seen.
 */
export interface FalseAlarmCounts {
  /** n, the number of normal images (not used for training) from which the threshold was chosen. */
  readonly normals: number;
  /** Number of them with a score above the threshold: k - 1. */
  readonly exceeding: number;
}

function checkCounts({ normals, exceeding }: FalseAlarmCounts): void {
  if (
    !Number.isSafeInteger(normals) ||
    !Number.isSafeInteger(exceeding) ||
    !(exceeding >= 0 && exceeding < normals)
  ) {
    throw new DskdError(
      'invalid-argument',
      `Got ${exceeding} of ${normals} normal images above the threshold; wanted whole numbers, and fewer above it than all.`,
      { details: { normals, exceeding } },
    );
  }
}

/** @throws {DskdError} `invalid-argument` unless `share` is in (0, 1). */
export function checkShare(what: string, share: number): void {
  if (!(share > 0 && share < 1)) {
    throw new DskdError('invalid-argument', `Got ${what} of ${share}; wanted a number above 0 and below 1.`);
  }
}

/** The probability of more than `exceeding` successes in `trials` trials. Terms are logarithms, since they underflow. */
function chanceOfMore(exceeding: number, trials: number, rate: number): number {
  const logOdds = Math.log(rate) - Math.log1p(-rate);
  let logTerm = trials * Math.log1p(-rate);
  let atMost = Math.exp(logTerm);
  for (let i = 1; i <= exceeding; i++) {
    logTerm += Math.log((trials - i + 1) / i) + logOdds;
    atMost += Math.exp(logTerm);
  }
  return Math.max(0, 1 - atMost);
}

/**
 * The confidence that at most a share `falseAlarmRate` of new normal images has a score above the threshold; see
 * {@link FalseAlarmCounts} for the assumptions.
 * @returns a probability, 0..1, over the draw of the normal images.
 * @throws {DskdError} `invalid-argument` for counts or a rate out of range.
 */
export function falseAlarmConfidence({
  normals,
  exceeding,
  falseAlarmRate,
}: FalseAlarmCounts & { readonly falseAlarmRate: number }): number {
  checkCounts({ normals, exceeding });
  checkShare('a false-alarm rate', falseAlarmRate);
  return chanceOfMore(exceeding, normals, falseAlarmRate);
}

/** The smallest number between the bounds for which `isEnough` is true, by bisection to the last bit. */
function turningPoint(low: number, high: number, isEnough: (value: number) => boolean): number {
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return high;
    if (isEnough(middle)) high = middle;
    else low = middle;
  }
}

/**
 * The upper bound of the rate of false alarms with a given confidence: the inverse of {@link falseAlarmConfidence}.
 * @param confidence in (0, 1). Default 0.95.
 * @throws {DskdError} `invalid-argument` for counts or a confidence out of range.
 */
export function falseAlarmBound({
  normals,
  exceeding,
  confidence = 0.95,
}: FalseAlarmCounts & { readonly confidence?: number }): number {
  checkCounts({ normals, exceeding });
  checkShare('a confidence', confidence);
  return turningPoint(0, 1, (rate) => rate === 1 || chanceOfMore(exceeding, normals, rate) >= confidence);
}

export interface RequiredCalibrationSizeOptions {
  /** In (0, 1). */
  readonly falseAlarmRate: number;
  /**
   * Confidence level in (0, 1) that the rate is not exceeded. Default: none; the bound then holds on average over the
   * draw of the normal images, as for `quantileThreshold` without a confidence.
   */
  readonly confidence?: number;
  /** Number of normal images that may have a score above the threshold. Default 0: the threshold is the highest score. */
  readonly exceeding?: number;
}

/**
 * The smallest number of normal images for a bound on the rate of false alarms: 99 for 1 % on average, 299 for 1 % with
 * 95 % confidence.
 * @throws {DskdError} `invalid-argument` for a rate, confidence or count out of range.
 */
export function requiredCalibrationSize({
  falseAlarmRate,
  confidence,
  exceeding = 0,
}: RequiredCalibrationSizeOptions): number {
  checkShare('a false-alarm rate', falseAlarmRate);
  if (confidence !== undefined) checkShare('a confidence', confidence);
  checkCounts({ normals: exceeding + 1, exceeding });
  const isEnough = (normals: number): boolean =>
    confidence === undefined
      ? (exceeding + 1) / (normals + 1) <= falseAlarmRate
      : chanceOfMore(exceeding, normals, falseAlarmRate) >= confidence;
  let high = exceeding + 1;
  while (!isEnough(high)) high *= 2;
  let low = exceeding;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isEnough(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** Three of rate, confidence, number of normal images and number of them above the threshold give the fourth. */
export const toleranceLimit = {
  rate: falseAlarmBound,
  confidence: falseAlarmConfidence,
  normals: requiredCalibrationSize,
};
