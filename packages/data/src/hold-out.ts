import { DskdError, randomStream } from '@dskd/base';
import { byCodeUnit } from './samples.js';

/**
 * Splits off a share of `samples` by seed, for example to calibrate on images that were not trained on.
 * Each sample draws its own number from (seed, id): the split depends neither on the order of the list nor
 * on the file system, and an image more or less moves few others across.
 *
 * @param options.fraction share to hold out, between 0 and 1, both excluded; rounded to the nearest number
 *   of samples, but at least 1 is held out and at least 1 kept when there are 2 or more. Of 0 or 1 samples
 *   none is held out.
 * @returns two disjoint lists, each in the order of `samples`.
 * @throws {DskdError} `invalid-argument`
 */
export function holdOut<T extends { readonly id: string }>(
  samples: readonly T[],
  { fraction, seed }: { readonly fraction: number; readonly seed: number },
): { kept: T[]; heldOut: T[] } {
  if (!(fraction > 0 && fraction < 1)) {
    throw new DskdError('invalid-argument', `Got a fraction of ${fraction} to hold out; wanted 0 < f < 1.`);
  }
  const count =
    samples.length < 2 ? 0 : Math.min(samples.length - 1, Math.max(1, Math.round(samples.length * fraction)));
  const drawn = samples
    .map((sample) => ({ id: sample.id, value: randomStream(seed, 'hold-out', sample.id).uniform() }))
    .sort((a, b) => a.value - b.value || byCodeUnit(a.id, b.id))
    .slice(0, count);
  const chosen = new Set(drawn.map(({ id }) => id));
  return {
    kept: samples.filter(({ id }) => !chosen.has(id)),
    heldOut: samples.filter(({ id }) => chosen.has(id)),
  };
}
