import { DskdError } from '@dskd/base';
import { PixelScores, type ScoreMemory, type PixelScoresState } from './pixel-scores.js';
import { fromBase64, toBase64 } from './base64.js';
import type { OverlapRegion } from './overlap-regions.js';

export interface OverlapTallyState {
  readonly background: PixelScoresState;
  /** Keys ascending: base64 of little-endian uint32. */
  readonly regions: readonly { readonly defectType?: string; readonly keys: string }[];
}

/** All that an overlap metric has to know of images it has seen. */
export class OverlapTally {
  readonly background: PixelScores;
  readonly regions: OverlapRegion[] = [];

  constructor(memory: ScoreMemory, background = new PixelScores(memory)) {
    this.background = background;
  }

  /**
   * Adds an image. `excluded` is not 0 where a pixel is no background.
   * @throws {DskdError} `invalid-argument` past 2^31 - 1 background pixels; nothing is added then.
   */
  add(bits: Uint32Array, excluded: Uint8Array | undefined, regions: readonly OverlapRegion[]): void {
    this.background.add(bits, excluded);
    for (const region of regions) this.regions.push(region);
  }

  merge(other: OverlapTally): void {
    this.background.merge(other.background);
    for (const region of other.regions.slice()) this.regions.push(region);
  }

  toJSON(): OverlapTallyState {
    return {
      background: this.background.toJSON(),
      regions: this.regions.map(({ keys, ...type }) => ({ ...type, keys: toBase64(keys) })),
    };
  }

  /** @throws {DskdError} `invalid-argument` when `state` is not what {@link toJSON} writes. */
  static fromJSON({ background, regions }: OverlapTallyState, memory: ScoreMemory): OverlapTally {
    const tally = new OverlapTally(memory, PixelScores.fromJSON(background, memory));
    for (const { keys: text, ...type } of regions) {
      const keys = fromBase64(text);
      if (keys.length === 0 || keys.some((key, i) => i > 0 && key < keys[i - 1]!)) {
        throw new DskdError('invalid-argument', 'A saved region of an overlap metric is damaged.', {
          details: { keys: keys.length, ...type },
        });
      }
      tally.regions.push({ ...type, keys });
    }
    return tally;
  }
}
