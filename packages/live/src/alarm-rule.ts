import { DskdError } from '@dskd/base';

export interface AlarmRuleOptions {
  /** How long all frames must have been anomalous before an alarm, in milliseconds. Default 0: one frame is enough. */
  readonly minDuration?: number;
  /** Shortest time between two alarms, in milliseconds. Default 0: every anomalous frame is an alarm. */
  readonly coolDown?: number;
}

function checked(name: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value;
  throw new DskdError('invalid-argument', `Got ${name} ${value}, wanted 0 or more milliseconds.`);
}

/**
 * Decides which anomalous frames are alarms. An anomaly that goes on is told again after each cool-down.
 */
export class AlarmRule {
  readonly #minDuration: number;
  readonly #coolDown: number;
  /** Time of the first frame of the anomaly that goes on. */
  #since: number | undefined;
  /** Time of the last alarm. */
  #last = -Infinity;

  /** @throws {DskdError} `invalid-argument` */
  constructor({ minDuration = 0, coolDown = 0 }: AlarmRuleOptions = {}) {
    this.#minDuration = checked('minDuration', minDuration);
    this.#coolDown = checked('coolDown', coolDown);
  }

  /**
   * Takes the frames in their order.
   * @param time of the frame, in milliseconds since 1970.
   * @returns where the frame is an alarm: since when all frames have been anomalous.
   */
  next(time: number, isAnomalous: boolean): { readonly since: number } | undefined {
    if (!isAnomalous) {
      this.#since = undefined;
      return undefined;
    }
    // A clock that is set back must not silence alarms until it has caught up.
    this.#since = Math.min(this.#since ?? time, time);
    if (this.#last > time) this.#last = -Infinity;
    if (time - this.#since < this.#minDuration || time - this.#last < this.#coolDown) return undefined;
    this.#last = time;
    return { since: this.#since };
  }

  /** Nothing is known of the time between the last frame and the next one: an anomaly begins anew. */
  interrupt(): void {
    this.#since = undefined;
  }
}
