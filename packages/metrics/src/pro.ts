import { DskdError } from '@dskd/base';
import { connectedComponents } from './connected-components.js';
import type { Curve, LimitedArea } from './evaluation-result.js';
import { orderedKey } from './ordered-keys.js';
import { areasOfRegions, meanAreas } from './overlap-areas.js';
import { overlapCurve } from './overlap-curve.js';
import { checkLimit } from './overlap-limit.js';
import { checkedBits, refuseEmptyMask, type ScoredImage } from './overlap-image.js';
import { overlapRegion, type OverlapRegion } from './overlap-regions.js';
import { OverlapTally, type OverlapTallyState } from './overlap-tally.js';
import { PixelScores, scoreMemory, type ScoreMemory, type ScoreMemoryOptions } from './pixel-scores.js';

export interface ProOptions extends ScoreMemoryOptions {
  /** The false-positive rate up to which is integrated, above 0 and at most 1. Default 0.3. */
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
  /** Connected components that were seen, at least in part. */
  readonly components: number;
  /** Pixels outside the masks. */
  readonly backgroundPixels: number;
}

export interface ProState extends ScoreMemory, OverlapTallyState {
  readonly limit: number;
}

/**
 * AU-PRO as MVTec AD defines it (Bergmann et al., CVPR 2019), an image at a time, without keeping maps: the mean over
 * all connected components of the masks (8-neighborhood) of the share that is found, against the false-positive rate
 * of the pixels outside. It is AU-sPRO with components for regions that are saturated by their whole area; points,
 * ties, limit and memory are those of {@link SproAccumulator}.
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
   * that is not finite (where not ignored), an empty mask, and past 2^31 - 1 background pixels. The message names the
   * image; nothing is added then.
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
   * Adds all that `other` has seen. `other` stays as it is.
   * @throws {DskdError} `invalid-argument` when the limits differ.
   */
  merge(other: ProAccumulator): void {
    if (other.#limit !== this.#limit) {
      throw new DskdError('invalid-argument', `Got the limit ${other.#limit}; wanted ${this.#limit}.`);
    }
    this.#tally.merge(other.#tally);
  }

  /** Null without a component. Can be called at any time, and again after more images. */
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

  /** All that was seen, as plain JSON. */
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
