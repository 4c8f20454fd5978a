import { DskdError, randomStream } from '@dskd/base';
import { sourceOf } from './fingerprint.js';
import { byCodeUnit, type ImageSource, type Sample, type Split } from './samples.js';

export interface SplitBySeedOptions {
  /** Share of the good images that becomes `validation`, 0 or more. */
  readonly validation: number;
  /** Share of the good images that becomes `test`, 0 or more; with `validation` below 1. */
  readonly test: number;
  readonly seed: number;
}

/**
 * Parts `count` things by `shares` (they add up to 1). Every share above 0 gets one before any gets a
 * second, the first ones first; then whichever is furthest below its due.
 */
function apportion(count: number, shares: readonly number[]): number[] {
  const parts = shares.map(() => 0);
  for (let given = 0; given < count; given++) {
    const due = shares.map((share, index) => {
      if (share === 0) return -Infinity;
      return parts[index] === 0 ? Infinity : share * count - parts[index]!;
    });
    parts[due.indexOf(Math.max(...due))]!++;
  }
  return parts;
}

/** The same sample in another split. */
function moved(sample: Sample, split: Split): Sample {
  const { id, label, defectType, origin, maskOrigin } = sample;
  return {
    id,
    split,
    label,
    defectType,
    ...(origin && { origin }),
    ...(maskOrigin && { maskOrigin }),
    load: () => sample.load(),
    ...(sample.loadMask && { loadMask: () => sample.loadMask!() }),
    ...(sample.loadRegions && { loadRegions: () => sample.loadRegions!() }),
  };
}

/**
 * Deals the images of `source` out anew, whatever split they had: the good ones to `train`, `validation`
 * and `test`, each kind of defect to `validation` and `test` in the same proportion. Defects are never
 * trained on; with neither validation nor test they stay in `test`.
 *
 * Each image draws its own number from (seed, id): the split depends neither on the order of the list nor
 * on the file system, and an image more or less moves few others across. Of few images the splits asked
 * for get one each, `train` first, then `test`.
 * @throws {DskdError} `invalid-argument`
 */
export function splitBySeed(
  source: Pick<ImageSource, 'name' | 'samples'>,
  { validation, test, seed }: SplitBySeedOptions,
): ImageSource {
  const held = validation + test;
  if (!(validation >= 0 && test >= 0 && held < 1)) {
    throw new DskdError(
      'invalid-argument',
      `Got shares of ${validation} for validation and ${test} for test; wanted 0 or more, together below 1.`,
    );
  }
  const kinds = new Map<string, Sample[]>();
  for (const sample of source.samples) {
    const kind = sample.label === 'good' ? 'good' : `anomalous ${sample.defectType}`;
    const same = kinds.get(kind);
    if (same) same.push(sample);
    else kinds.set(kind, [sample]);
  }
  const splits = new Map<string, Split>();
  for (const samples of kinds.values()) {
    const isGood = samples[0]!.label === 'good';
    const ofDefects = held === 0 ? 1 : test / held;
    const shares = isGood ? [1 - held, test, validation] : [0, ofDefects, 1 - ofDefects];
    const [, inTest, inValidation] = apportion(samples.length, shares) as [number, number, number];
    samples
      .map(({ id }) => ({ id, value: randomStream(seed, 'split', id).uniform() }))
      .sort((a, b) => a.value - b.value || byCodeUnit(a.id, b.id))
      .forEach(({ id }, rank) => {
        splits.set(id, rank < inTest ? 'test' : rank < inTest + inValidation ? 'validation' : 'train');
      });
  }
  return sourceOf(
    source.name,
    source.samples.map((sample) => moved(sample, splits.get(sample.id)!)),
  );
}

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
