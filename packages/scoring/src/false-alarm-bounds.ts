import { DskdError } from '@dskd/base';

/**
 * What a number of normal images can promise about false alarms, whatever the distribution of their scores.
 *
 * With n normal scores that are independent draws of one distribution, and a threshold not below the k-th largest
 * of them, the rate of false alarms on new images of that distribution is at most (exactly, where scores
 * do not tie) Beta(k, n - k + 1): at most r with probability `I_r(k, n - k + 1)`, the chance of at least k
 * successes in n trials (Wilks, "Determination of sample sizes for setting tolerance limits", 1941).
 * k is to be settled before the scores are seen.
 */
export interface FalseAlarmCounts {
  /** How many normal images that were not trained on gave the threshold. */
  readonly normals: number;
  /** How many of them score above it: k - 1. */
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

/** The chance of more than `exceeding` successes in `trials` trials: terms in logarithms, as they underflow. */
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
 * How sure the promise is that at most a share `falseAlarmRate` of new normal images scores above the
 * threshold; see {@link FalseAlarmCounts} for what is assumed.
 * @returns the probability, 0..1, over the drawing of the normal images.
 * @throws {DskdError} `invalid-argument` for counts or a rate that are none.
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

/** The number half way between the bounds at which `isEnough` turns true, to the last bit. */
function turningPoint(low: number, high: number, isEnough: (value: number) => boolean): number {
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return high;
    if (isEnough(middle)) high = middle;
    else low = middle;
  }
}

/**
 * The rate of false alarms that is not exceeded, with that confidence: the other direction of
 * {@link falseAlarmConfidence}.
 * @param confidence in (0, 1). Default 0.95.
 * @throws {DskdError} `invalid-argument` for counts or a confidence that are none.
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

export interface NormalsNeededOptions {
  /** In (0, 1). */
  readonly falseAlarmRate: number;
  /**
   * In (0, 1): how sure it is to be that the rate is not exceeded. Default: none; the rate is then promised on
   * average over the drawing of the normal images, which is what `quantileThreshold` promises unless it is told
   * otherwise.
   */
  readonly confidence?: number;
  /** How many of the normal images may score above the threshold. Default 0: it is the highest score. */
  readonly exceeding?: number;
}

/**
 * The fewest normal images from which a rate of false alarms can be promised: 99 for 1 % on average, 299 for 1 %
 * with 95 % confidence.
 * @throws {DskdError} `invalid-argument` for a rate, confidence or count that is none.
 */
export function requiredCalibrationSize({
  falseAlarmRate,
  confidence,
  exceeding = 0,
}: NormalsNeededOptions): number {
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
