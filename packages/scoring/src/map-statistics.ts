import { DskdError } from '@dskd/base';
import { assertFinitePixels } from './finite-pixels.js';

/** What {@link MapStatistics} is saved as. */
export interface MapStatisticsState {
  readonly count: number;
  readonly mean: number;
  /** Sum of the squared distances from the mean. */
  readonly sumOfSquares: number;
}

/**
 * Mean and standard deviation of all pixels of many maps, in float64, one block at a time (Chan, Golub and
 * LeVeque's pairwise update of Welford's sums): nothing is kept but three numbers.
 */
export class MapStatistics {
  #count = 0;
  #mean = 0;
  #sumOfSquares = 0;

  /** How many pixels were added. */
  get count(): number {
    return this.#count;
  }

  /** NaN before the first pixel. */
  get mean(): number {
    return this.#count === 0 ? NaN : this.#mean;
  }

  /** The population's (divided by `count`). NaN before the first pixel. */
  get standardDeviation(): number {
    return Math.sqrt(this.#sumOfSquares / this.#count);
  }

  /**
   * Adds the pixels of one or more maps.
   * @throws {DskdError} `numerical-instability` when one is NaN or infinite; nothing is added then.
   */
  add(values: Float32Array): void {
    if (values.length === 0) return;
    let sum = 0;
    for (const value of values) sum += value;
    const mean = sum / values.length;
    // The sum tells it without another pass.
    if (!Number.isFinite(mean)) assertFinitePixels(values);
    let sumOfSquares = 0;
    for (const value of values) sumOfSquares += (value - mean) ** 2;
    this.#combine({ count: values.length, mean, sumOfSquares });
  }

  /** Adds all that `other` has seen. `other` stays as it is. */
  merge(other: MapStatistics): void {
    this.#combine(other.toJSON());
  }

  toJSON(): MapStatisticsState {
    return { count: this.#count, mean: this.#mean, sumOfSquares: this.#sumOfSquares };
  }

  /** @throws {DskdError} `invalid-argument` when `state` is not what {@link toJSON} writes. */
  static fromJSON(state: MapStatisticsState): MapStatistics {
    const { count, mean, sumOfSquares } = state;
    if (!(Number.isSafeInteger(count) && count >= 0 && Number.isFinite(mean) && sumOfSquares >= 0)) {
      throw new DskdError('invalid-argument', `Got ${JSON.stringify(state)}; wanted saved map statistics.`);
    }
    const statistics = new MapStatistics();
    statistics.#combine({ count, mean, sumOfSquares });
    return statistics;
  }

  #combine({ count, mean, sumOfSquares }: MapStatisticsState): void {
    const total = this.#count + count;
    if (count === 0) return;
    const difference = mean - this.#mean;
    this.#mean += (difference * count) / total;
    this.#sumOfSquares += sumOfSquares + (difference * difference * this.#count * count) / total;
    this.#count = total;
  }
}
