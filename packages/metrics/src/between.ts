/** Half way between two different scores; the lower one where there is no number between them. */
export function between(lower: number, upper: number): number {
  const middle = lower / 2 + upper / 2;
  return middle >= lower && middle < upper ? middle : lower;
}

/** A threshold that flags `score` and, as far as float32 goes, hardly anything below it. */
export function justBelow(score: number): number {
  return score - Math.max(Math.abs(score) * 2 ** -20, 2 ** -126);
}
