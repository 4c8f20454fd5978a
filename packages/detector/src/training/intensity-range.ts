import { DskdError, isDskdError, throwIfAborted } from '@dskd/base';
import { assertIntensityRange, rangeFor, type IntensityRange, type Sample } from '@dskd/data';

/**
 * The range by which 16-bit values become bytes. `auto` reads all training images. One that cannot be read is passed
 * over: it is told of with the others, when all are read.
 * @throws {DskdError} `invalid-argument` for a range that is none, and for `auto` if no image has 16 bits; `aborted`
 */
export async function resolveIntensityRange(
  given: IntensityRange | 'auto' | undefined,
  samples: readonly Sample[],
  signal: AbortSignal | undefined,
): Promise<IntensityRange | undefined> {
  if (given === undefined) return undefined;
  if (given !== 'auto') {
    assertIntensityRange(given);
    return [given[0], given[1]];
  }
  const values: IntensityRange[] = [];
  for (const sample of samples) {
    throwIfAborted(signal);
    try {
      await sample.load({ onFacts: (facts) => facts.values && values.push(facts.values) });
    } catch (error) {
      if (!isDskdError(error, 'image-unreadable') && !isDskdError(error, 'file-not-found')) throw error;
    }
  }
  if (values.length > 0) return rangeFor(values);
  throw new DskdError(
    'invalid-argument',
    "Got the intensity range 'auto', but none of the training images has 16 bits.",
    { hint: 'Leave it out: the bytes of images of 8 bits are taken as they are.' },
  );
}
