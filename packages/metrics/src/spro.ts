import { DskdError } from '@dskd/base';
import type { Curve, LimitedArea } from './evaluation-result.js';
import {
  areasOfRegions,
  checkLimit,
  meanAreas,
  overlapCurve,
  overlapRegion,
  type OverlapRegion,
} from './overlap-curve.js';
import {
  checkedBits,
  extentOf,
  keysInMask,
  OverlapTally,
  refuseEmptyMask,
  type OverlapTallyState,
  type ScoredImage,
} from './overlap-tally.js';
import {
  PixelScores,
  scoreMemory,
  type PixelScoresState,
  type ScoreMemory,
  type ScoreMemoryOptions,
} from './pixel-scores.js';
import { saturationAreaOf, type SaturationRule } from './saturation-area.js';

/** The limits of the false-positive rate of MVTec LOCO AD. Its headline is 0.05. */
export const SPRO_LIMITS: readonly number[] = [0.01, 0.05, 0.1, 0.3, 1];

export interface SproOptions extends ScoreMemoryOptions {
  /** Upper limits of the false-positive rate, each above 0 and at most 1. Default 0.01, 0.05, 0.1, 0.3, 1. */
  readonly limits?: readonly number[];
}

/** The defect marked by one ground-truth file. It need not be connected and may overlap others. */
export interface SproRegion {
  /** As long as the map: not 0 where a pixel belongs to the defect. */
  readonly mask: Uint8Array;
  /**
   * Number of pixels that give an sPRO of 1: a whole number of at least 1, or the rule of the defect type. A number
   * above the region's area means the whole region.
   */
  readonly saturationArea: number | SaturationRule;
  readonly defectType?: string;
}

/** One image at its original size, in which saturation areas are given. */
export interface SproSample extends ScoredImage {
  /** `'good'`, or the subset of an anomalous image, such as `'logical_anomalies'`. */
  readonly subset: string;
  /** Empty for a good image, at least one for any other. */
  readonly regions: readonly SproRegion[];
}

export interface SproSubset {
  /** Number of regions that are not completely ignored. */
  readonly regions: number;
  /** Number of pixels without a defect in the good images and in those of the subset. */
  readonly backgroundPixels: number;
  /** AU-sPRO at each limit. NaN without regions or without background pixels. */
  readonly limits: LimitedArea[];
  /** False-positive rate and mean sPRO, at most 2000 points: the area under them is within 1 / 999. */
  readonly curve: Curve;
  /** AU-sPRO of the regions of each defect type, with the background pixels of the whole subset. */
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
 * AU-sPRO as MVTec LOCO AD defines it (Bergmann et al., "Beyond Dents and Scratches", IJCV 2022), one image at a
 * time, without keeping maps.
 *
 *     sPRO(t) = mean over regions R of min(|{p in R: score(p) > t}| / saturationArea(R), 1)
 *     AU-sPRO = 1 / limit * integral of sPRO over FPR from 0 to limit
 *
 * FPR is the share of pixels with a score above t among the pixels without a defect, in the images of the subset and in
 * the good images. Every distinct score gives a point of the curve; between points, and at the limit, it is interpolated
 * linearly.
 *
 * Exact while the good images, and each subset, have at most `pixelsKeptExactly` background pixels (default 2^22).
 * With more, their background scores are counted in `histogramBins` bins (default 2^22), and the exact value lies
 * between `lower` and `upper`. Each region keeps its `saturationArea` largest scores.
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
   * Adds one image. A region whose pixels are all ignored is left out; a partly ignored region is reduced to its other
   * pixels.
   * @throws {DskdError} `shape-mismatch` when something is not of the image's size; `invalid-argument` for a score
   * that is not finite (where not ignored), a region that is empty or has no valid saturation area, a good image with
   * regions or another without, and more than 2^31 - 1 background pixels. The message names image and region; nothing is
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
      const place = { name, region: i, label: labels[i]!, defectType };
      const saturated = saturationAreaOf(area, saturationArea, place);
      if (keys.length > 0) seen.push(overlapRegion(keys, saturated, defectType));
      const [first, end] = extentOf(mask);
      for (let pixel = first; pixel < end; pixel++) excluded[pixel]! |= mask[pixel]!;
    });
    this.#subset(subset).add(bits, excluded, seen);
  }

  /**
   * Adds the images of `other`, which is not changed.
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

  /** The result for all images so far. More images can be added afterwards. */
  result(): SproResult {
    const subsets = [...this.#subsets].map(([name, tally]) => [name, this.#resultOf(tally)] as const);
    return { subsets: Object.fromEntries(subsets) };
  }

  /** The state as plain JSON. */
  toJSON(): SproState {
    const subsets = [...this.#subsets].map(([subset, tally]) => ({ subset, ...tally.toJSON() }));
    return { ...this.#memory, limits: this.#limits, good: this.#good.toJSON(), subsets };
  }

  /**
   * The AU-sPRO of a category in MVTec LOCO AD: at each limit the mean over the subsets (logical and structural
   * anomalies), with the means of the bounds.
   * @param bySubset areas of each subset, at the same limits in the same order.
   * @returns an area per limit; none without a subset.
   */
  static meanOverSubsets(bySubset: Readonly<Record<string, readonly LimitedArea[]>>): LimitedArea[] {
    const subsets = Object.values(bySubset);
    return meanAreas(
      subsets,
      (subsets[0] ?? []).map(({ limit }) => limit),
    );
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
