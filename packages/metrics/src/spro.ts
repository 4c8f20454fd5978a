import { DskdError } from '@dskd/base';
import type { Curve, LimitedArea } from './evaluation-result.js';
import { areasOfRegions, meanAreas } from './overlap-areas.js';
import { overlapCurve } from './overlap-curve.js';
import { checkLimit } from './overlap-limit.js';
import { checkedBits, keysInMask, refuseEmptyMask, type ScoredImage } from './overlap-image.js';
import { overlapRegion, type OverlapRegion } from './overlap-regions.js';
import { OverlapTally, type OverlapTallyState } from './overlap-tally.js';
import {
  PixelScores,
  scoreMemory,
  type PixelScoresState,
  type ScoreMemory,
  type ScoreMemoryOptions,
} from './pixel-scores.js';

/** The false-positive rates up to which MVTec LOCO AD integrates. Its headline is 0.05. */
export const SPRO_LIMITS: readonly number[] = [0.01, 0.05, 0.1, 0.3, 1];

export interface SproOptions extends ScoreMemoryOptions {
  /** Each above 0 and at most 1. Default {@link SPRO_LIMITS}. */
  readonly limits?: readonly number[];
}

/** What one ground-truth file marks; it need not hang together, and may overlap others. */
export interface SproRegion {
  /** As long as the map: not 0 where the defect is. */
  readonly mask: Uint8Array;
  /** Pixels to be found for full marks, a whole number of at least 1; more than the region has means all. */
  readonly saturationArea: number;
  readonly defectType?: string;
}

/** One image, at its original size: saturation areas are pixels of it. */
export interface SproSample extends ScoredImage {
  /** `'good'`, or what the image's anomaly counts for, such as `'logical_anomalies'`. */
  readonly subset: string;
  /** None of a good image, at least one of any other. */
  readonly regions: readonly SproRegion[];
}

export interface SproSubset {
  /** Regions that were seen, at least in part. */
  readonly regions: number;
  /** Pixels free of defects, of good images and of the subset's. */
  readonly backgroundPixels: number;
  /** AU-sPRO at each limit. NaN without regions or without background pixels. */
  readonly limits: LimitedArea[];
  /** False-positive rate and mean sPRO, at most 2000 points: the area under them is within 1 / 999. */
  readonly curve: Curve;
  /** The same of the regions of one defect type, against all of the subset's background. */
  readonly byDefect: Record<string, LimitedArea[]>;
}

export interface SproResult {
  /** By name, without `'good'`. */
  readonly subsets: Record<string, SproSubset>;
}

export interface SproState extends ScoreMemory {
  readonly limits: readonly number[];
  readonly good: PixelScoresState;
  readonly subsets: readonly (OverlapTallyState & { readonly subset: string })[];
}

const GOOD = 'good';

/**
 * AU-sPRO as MVTec LOCO AD defines it (Bergmann et al., "Beyond Dents and Scratches", IJCV 2022), an image at a
 * time, without keeping maps.
 *
 * A pixel is positive where its score is greater than the threshold. The sPRO of a region is
 * `min(positive pixels of the region / saturationArea, 1)`, that of a subset the mean over its regions. The
 * false-positive rate is the share of positive pixels among all that are free of every defect of their image, over
 * the subset's images and the good ones. Every distinct score gives a point of the curve; between points it is
 * straight; it is integrated from 0 to the limit, where it is interpolated, and divided by the limit.
 *
 * Exact while good images, and each subset's own, have at most `pixelsKeptExactly` background pixels each
 * (default 2^22). Past that, background scores are counted in `histogramBins` bins (default 2^22), each subset's and
 * the good ones' apart, and `lower` and `upper` say between what the exact value lies. Regions keep their
 * `saturationArea` largest scores.
 */
export class SproAccumulator {
  readonly #limits: readonly number[];
  readonly #memory: ScoreMemory;
  readonly #good: PixelScores;
  readonly #subsets = new Map<string, OverlapTally>();

  /** @throws {DskdError} `invalid-argument` for no limits, and numbers out of range. */
  constructor({ limits = SPRO_LIMITS, ...memory }: SproOptions = {}) {
    if (limits.length === 0) throw new DskdError('invalid-argument', 'Got no limits; wanted at least one.');
    limits.forEach(checkLimit);
    this.#limits = [...limits];
    this.#memory = scoreMemory(memory);
    this.#good = new PixelScores(this.#memory);
  }

  /**
   * Adds one image. A region with all its pixels ignored is left out; of one that is ignored in part, the rest
   * counts.
   * @throws {DskdError} `shape-mismatch` when something is not of the image's size; `invalid-argument` for a score
   * that is not finite (where not ignored), a region that is empty or has no valid saturation area, a good image with
   * regions or another without, and past 2^31 - 1 background pixels. The message names image and region; nothing is
   * added then.
   */
  add(sample: SproSample): void {
    const { name, subset, regions, ignored } = sample;
    const labels = regions.map(
      ({ defectType }, i) => `region ${i + 1}${defectType ? ` (${defectType})` : ''}`,
    );
    const masks = regions.map(({ mask }, i) => ({ what: labels[i]!, mask }));
    const bits = checkedBits(sample, masks);
    if ((subset === GOOD) !== (regions.length === 0)) {
      throw new DskdError(
        'invalid-argument',
        `${name}: got ${regions.length} regions of an image in ${subset}; wanted ` +
          `${subset === GOOD ? 'none of a good one' : 'at least one of an anomalous one'}.`,
        { details: { name, subset, regions: regions.length } },
      );
    }
    if (subset === GOOD) {
      this.#good.add(bits, ignored);
      return;
    }
    const excluded = ignored ? Uint8Array.from(ignored) : new Uint8Array(bits.length);
    const seen: OverlapRegion[] = [];
    regions.forEach(({ mask, saturationArea, defectType }, i) => {
      const { keys, area } = keysInMask(bits, mask, ignored);
      if (area === 0) refuseEmptyMask(name, `the mask of ${labels[i]!}`);
      if (!Number.isInteger(saturationArea) || saturationArea < 1) {
        throw new DskdError(
          'invalid-argument',
          `${name}: the saturation area of ${labels[i]!} is ${saturationArea}; wanted a whole number of pixels, at ` +
            'least 1.',
          { details: { name, region: i, defectType, saturationArea } },
        );
      }
      if (keys.length > 0) seen.push(overlapRegion(keys, saturationArea, defectType));
      for (let pixel = 0; pixel < mask.length; pixel++) excluded[pixel]! |= mask[pixel]!;
    });
    this.#subset(subset).add(bits, excluded, seen);
  }

  /**
   * Adds all that `other` has seen. `other` stays as it is.
   * @throws {DskdError} `invalid-argument` when the limits differ.
   */
  merge(other: SproAccumulator): void {
    if (other.#limits.join() !== this.#limits.join()) {
      throw new DskdError(
        'invalid-argument',
        `Got limits ${other.#limits.join(', ')}; wanted ${this.#limits.join(', ')}.`,
      );
    }
    this.#good.merge(other.#good);
    for (const [name, tally] of other.#subsets) this.#subset(name).merge(tally);
  }

  /** Can be called at any time, and again after more images. */
  result(): SproResult {
    const subsets = [...this.#subsets].map(([name, tally]) => [name, this.#resultOf(tally)] as const);
    return { subsets: Object.fromEntries(subsets) };
  }

  /** All that was seen, as plain JSON. */
  toJSON(): SproState {
    const subsets = [...this.#subsets].map(([subset, tally]) => ({ subset, ...tally.toJSON() }));
    return { ...this.#memory, limits: this.#limits, good: this.#good.toJSON(), subsets };
  }

  /** @throws {DskdError} `invalid-argument` when `state` is not what {@link toJSON} writes. */
  static fromJSON(state: SproState): SproAccumulator {
    const accumulator = new SproAccumulator(state);
    accumulator.#good.merge(PixelScores.fromJSON(state.good, accumulator.#memory));
    for (const { subset, ...tally } of state.subsets) {
      accumulator.#subset(subset).merge(OverlapTally.fromJSON(tally, accumulator.#memory));
    }
    return accumulator;
  }

  #subset(name: string): OverlapTally {
    const tally = this.#subsets.get(name) ?? new OverlapTally(this.#memory);
    this.#subsets.set(name, tally);
    return tally;
  }

  #resultOf({ background, regions }: OverlapTally): SproSubset {
    const ranks = PixelScores.ranks([this.#good, background], this.#memory);
    const areas = areasOfRegions(regions, ranks, this.#limits);
    const types = new Set(regions.map(({ defectType }) => defectType).filter((type) => type !== undefined));
    const byDefect = [...types].sort().map((type) => {
      const ofType = areas.filter((_, i) => regions[i]!.defectType === type);
      return [type, meanAreas(ofType, this.#limits)] as const;
    });
    return {
      regions: regions.length,
      backgroundPixels: ranks.pixels,
      limits: meanAreas(areas, this.#limits),
      curve: overlapCurve(regions, ranks),
      byDefect: Object.fromEntries(byDefect),
    };
  }
}
