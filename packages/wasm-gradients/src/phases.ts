/** One side of a strided convolution: what links its input, filter and output there. */
export interface Side {
  readonly input: number;
  readonly filter: number;
  readonly output: number;
  readonly stride: number;
  readonly dilation: number;
  /** Padding before the first input element. */
  readonly before: number;
}

/**
 * The input positions `first, first + stride, ...` (`count` of them) all meet the same filter taps
 * `firstTap, firstTap + stride, ...` (`taps` of them), so their gradient is an ordinary convolution of the
 * output gradient with those taps in reverse, `before` and `after` elements of padding around it (negative:
 * that many elements of the output gradient are left out).
 */
export interface Phase {
  readonly first: number;
  readonly count: number;
  readonly firstTap: number;
  readonly taps: number;
  readonly before: number;
  readonly after: number;
}

/** The phases of one side: `stride` of them, fewer where the input is smaller. No zero is ever inserted. */
export function phasesOf({ input, filter, output, stride, dilation, before }: Side): Phase[] {
  const phases: Phase[] = [];
  for (let firstTap = 0; firstTap < stride; firstTap++) {
    const first = (((firstTap - before) % stride) + stride) % stride;
    if (first >= input) continue;
    const count = Math.ceil((input - first) / stride);
    const taps = Math.max(0, Math.ceil((filter - firstTap) / stride));
    const reach = Math.max(0, taps - 1) * dilation;
    const padBefore = reach - (first + before - firstTap) / stride;
    phases.push({
      first,
      count,
      firstTap,
      taps,
      before: padBefore,
      after: count + reach - output - padBefore,
    });
  }
  return phases;
}
