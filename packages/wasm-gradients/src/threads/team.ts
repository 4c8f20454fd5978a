import { CONTROL, FINISHED, JOB } from './job.js';
import { SharedFactors } from './shared-factors.js';

const PAGE = 2 ** 16;
/** The most memory that copies of right factors take. As all of the shared memory, it takes no memory before it is used. */
const FACTORS = 128 * 2 ** 20;
/** Memory of a helper for its parts of the left factor and of the result, and for what it packs. */
const PLACE = 16 * 2 ** 20;

/** Products that are not divided after one for which the helpers were late, at most. */
const LONGEST_PAUSE = 15;

/** A helper thread, as the others see it. */
export interface Helper {
  /** See `job.ts`. */
  readonly control: Int32Array;
  /** Its part of the shared memory, in bytes. */
  readonly place: readonly [first: number, end: number];
}

/** The helper threads of this thread, and the memory that they share. */
export class Team {
  readonly helpers: Helper[] = [];
  readonly memory: WebAssembly.Memory;
  readonly shared: Float32Array;
  readonly factors: SharedFactors;
  /** Products of which a helper has computed a part. */
  helped = 0;
  /** Products that the last pause was long, and how many of them are still to come. */
  #pause = 0;
  #left = 0;

  /**
   * @param helpers how many will be added.
   * @throws {RangeError} where there is no room in the address space.
   */
  constructor(helpers: number) {
    const pages = (FACTORS + helpers * PLACE) / PAGE;
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.shared = new Float32Array(this.memory.buffer);
    this.factors = new SharedFactors(this.shared, FACTORS);
  }

  /** A helper whose thread is yet to be started with the memory and its `control`. */
  add(): Helper {
    const first = FACTORS + this.helpers.length * PLACE;
    const control = new Int32Array(new SharedArrayBuffer(CONTROL * Int32Array.BYTES_PER_ELEMENT));
    const helper: Helper = { control, place: [first, first + PLACE] };
    this.helpers.push(helper);
    return helper;
  }

  remove(helper: Helper): void {
    this.helpers.splice(this.helpers.indexOf(helper), 1);
  }

  /**
   * Says how much of what helpers were given they have computed. Where the machine has no core for them, the products that follow are not
   * divided: first one, then twice as many each time, and half as many when they had one.
   */
  report(given: number, done: number): void {
    if (done > 0) this.helped++;
    // Less than a quarter does not pay for the copies and the block that was computed twice.
    const inTime = done * 4 >= given;
    this.#pause = inTime ? this.#pause >> 1 : Math.min(2 * this.#pause + 1, LONGEST_PAUSE);
    this.#left = this.#pause;
  }

  /** Whether the next product is not to be divided. Counts it. */
  isPaused(): boolean {
    return this.#left > 0 && this.#left-- > 0;
  }

  /** The helpers that have finished their last job. */
  idle(): Helper[] {
    return this.helpers.filter(
      ({ control }) => Atomics.load(control, FINISHED) === Atomics.load(control, JOB),
    );
  }
}

let current: Team | undefined;

/** The team of this thread, if it has one. */
export const team = (): Team | undefined => current;

export function setTeam(next: Team | undefined): void {
  current = next;
}
