import { DskdError, randomStream } from '@dskd/base';
import { sourceOf } from './fingerprint.js';
import { byCodeUnit, type ImageSource, type Sample, type Split } from './samples.js';

export interface SplitBySeedOptions {
  /** Fraction of the good images that becomes `validation`, 0 or more. */
  readonly validation: number;
  /** Fraction of the good images that becomes `test`, 0 or more; the sum with `validation` must be below 1. */
  readonly test: number;
  readonly seed: number;
}

/**
 * Distributes `count` items by `shares`, which sum to 1. First every share above 0 gets one item, in order. Then each
 * item goes to the part that is furthest below its exact share.
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

/** A copy of the sample in another split. */
function moved(sample: Sample, split: Split): Sample {
  const { id, label, defectType, origin, maskOrigin } = sample;
  return {
    id,
    split,
    label,
    defectType,
    ...(origin && { origin }),
    ...(maskOrigin && { maskOrigin }),
    load: (options) => sample.load(options),
    ...(sample.loadMask && { loadMask: () => sample.loadMask!() }),
    ...(sample.loadRegions && { loadRegions: () => sample.loadRegions!() }),
  };
}

/**
 * Splits the images of `source` again and ignores their current splits: good images into `train`, `validation` and `test`,
 * each type of defect into `validation` and `test` in the same proportion. Defects are never in `train`; if both
 * fractions are 0, they are in `test`.
 *
 * Each image has its own random number from (seed, id). So the split depends neither on the order of the list nor on
 * the file system, and adding or removing an image moves few others. With few images every requested split first gets
 * one image, `train` first, then `test`.
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
      `Got fractions of ${validation} for validation and ${test} for test; wanted 0 or more, and a sum below 1.`,
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
 * Splits off a fraction of `samples` by seed, for example to calibrate on images that were not trained on. Each
 * sample has its own random number from (seed, id). So the split depends neither on the order of the list nor on the
 * file system, and adding or removing an image moves few others.
 *
 * @param options.fraction to hold out, between 0 and 1, both excluded. Rounded to a whole number of samples; with 2
 * or more samples at least 1 is held out and at least 1 is kept. Of 0 or 1 samples none is held out.
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
