import { DskdError } from '@dskd/base';
import { connectedComponents } from './connected-components.js';
import type { Curve, LimitedArea } from './evaluation-result.js';
import { orderedKey } from './ordered-keys.js';
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
  OverlapTally,
  refuseEmptyMask,
  type OverlapTallyState,
  type ScoredImage,
} from './overlap-tally.js';
import { PixelScores, scoreMemory, type ScoreMemory, type ScoreMemoryOptions } from './pixel-scores.js';

export interface ProOptions extends ScoreMemoryOptions {
  /** The upper limit of the false-positive rate, above 0 and at most 1. Default 0.3. */
  readonly limit?: number;
}

export interface ProSample extends ScoredImage {
  /** As long as the map: not 0 where a pixel is anomalous. Null for a good image. */
  readonly mask: Uint8Array | null;
}

export interface ProResult {
  /** AU-PRO. NaN without background pixels. */
  readonly area: LimitedArea;
  /** False-positive rate and mean overlap, at most 2000 points: the area under them is within 1 / 999. */
  readonly curve: Curve;
  /** Number of connected components that are not completely ignored. */
  readonly components: number;
  /** Number of pixels outside the masks. */
  readonly backgroundPixels: number;
}

export interface ProState extends ScoreMemory, OverlapTallyState {
  readonly limit: number;
}

/**
 * AU-PRO as MVTec AD defines it (Bergmann et al., CVPR 2019), one image at a time, without keeping maps.
 *
 *     PRO(t) = mean over components C of |{p in C: score(p) > t}| / |C|
 *     AU-PRO = 1 / limit * integral of PRO over FPR from 0 to limit
 *
 * C are the connected components of the masks (8-neighborhood); FPR is the share of the pixels outside the masks with a
 * score above t. This is AU-sPRO with components as regions and their areas as saturation areas; points, ties, limit and
 * memory are as in {@link SproAccumulator}.
 */
export class ProAccumulator {
  readonly #limit: number;
  readonly #memory: ScoreMemory;
  #tally: OverlapTally;

  /** @throws {DskdError} `invalid-argument` for numbers out of range. */
  constructor({ limit = 0.3, ...memory }: ProOptions = {}) {
    checkLimit(limit);
    this.#limit = limit;
    this.#memory = scoreMemory(memory);
    this.#tally = new OverlapTally(this.#memory);
  }

  /**
   * Adds one image. Components are those of the whole mask; one with all its pixels ignored is left out.
   * @throws {DskdError} `shape-mismatch` when something is not of the image's size; `invalid-argument` for a score
   * that is not finite (where not ignored), an empty mask, and more than 2^31 - 1 background pixels. The message names
   * the image; nothing is added then.
   */
  add(sample: ProSample): void {
    const { name, mask, width, height, ignored } = sample;
    const bits = checkedBits(sample, mask ? [{ what: 'the mask', mask }] : []);
    if (!mask) {
      this.#tally.add(bits, ignored, []);
      return;
    }
    const { labels, areas } = connectedComponents(mask, width, height);
    if (areas.length === 0) refuseEmptyMask(name, 'the mask');
    const components = areas.map((area) => ({ keys: new Uint32Array(area), filled: 0 }));
    const excluded = ignored ? Uint8Array.from(ignored) : new Uint8Array(bits.length);
    for (let i = 0; i < labels.length; i++) {
      if (labels[i] === 0) continue;
      const component = components[labels[i]! - 1]!;
      if (excluded[i] === 0) component.keys[component.filled++] = orderedKey(bits[i]!);
      excluded[i] = 1;
    }
    const regions: OverlapRegion[] = components
      .filter(({ filled }) => filled > 0)
      .map(({ keys, filled }) => overlapRegion(keys.subarray(0, filled), filled, undefined));
    this.#tally.add(bits, excluded, regions);
  }

  /**
   * Adds the images of `other`, which is not changed.
   * @throws {DskdError} `invalid-argument` when the limits differ.
   */
  merge(other: ProAccumulator): void {
    if (other.#limit !== this.#limit) {
      throw new DskdError('invalid-argument', `Got the limit ${other.#limit}; wanted ${this.#limit}.`);
    }
    this.#tally.merge(other.#tally);
  }

  /** The result for all images so far, null without a component. More images can be added afterwards. */
  result(): ProResult | null {
    const { background, regions } = this.#tally;
    if (regions.length === 0) return null;
    const limits = [this.#limit];
    const ranks = PixelScores.ranks([background], this.#memory);
    return {
      area: meanAreas(areasOfRegions(regions, ranks, limits), limits)[0]!,
      curve: overlapCurve(regions, ranks),
      components: regions.length,
      backgroundPixels: ranks.pixels,
    };
  }

  /** The state as plain JSON. */
  toJSON(): ProState {
    return { ...this.#memory, limit: this.#limit, ...this.#tally.toJSON() };
  }

  /** @throws {DskdError} `invalid-argument` when `state` is not what {@link toJSON} writes. */
  static fromJSON(state: ProState): ProAccumulator {
    const accumulator = new ProAccumulator(state);
    accumulator.#tally = OverlapTally.fromJSON(state, accumulator.#memory);
    return accumulator;
  }
}
