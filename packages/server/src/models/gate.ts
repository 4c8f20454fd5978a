import { DskdError } from '@dskd/base';

/** Weight of the newest image in the mean of the times. */
const NEWEST = 0.1;

/** Places for images that are scored or wait. What comes when all are taken is refused at once. */
export class Gate {
  #taken = 0;
  /** Mean time from when an image is taken to its result, in seconds. */
  #seconds = 0;

  /**
   * @param workers images that are scored at a time.
   * @param queue images that may wait beside them.
   */
  constructor(
    readonly workers: number,
    readonly queue: number,
  ) {}

  get capacity(): number {
    return this.workers + this.queue;
  }

  /** Images that are scored or wait. */
  get taken(): number {
    return this.#taken;
  }

  /** Images that wait. */
  get waiting(): number {
    return Math.max(0, this.#taken - this.workers);
  }

  /** Seconds after which what waits now will be scored, at least 1. */
  get retryAfter(): number {
    return Math.max(1, Math.ceil(this.#seconds));
  }

  /** Before the body of a request is read. @throws {DskdError} `queue-full` */
  assertRoom(): void {
    if (this.#taken >= this.capacity) throw this.#full(1);
  }

  /**
   * Takes places.
   * @returns gives them back; once.
   * @throws {DskdError} `queue-full`; `too-large` for more images than there are places.
   */
  take(images: number): () => void {
    if (images > this.capacity) {
      throw new DskdError(
        'too-large',
        `Got ${images} images in one request; at most ${this.capacity} are taken.`,
        {
          hint: 'Send them in several requests. A longer queue takes more.',
          details: { most: this.capacity },
        },
      );
    }
    if (this.#taken + images > this.capacity) throw this.#full(images);
    this.#taken += images;
    let isTaken = true;
    return () => {
      if (isTaken) this.#taken -= images;
      isTaken = false;
    };
  }

  /** Learns how long an image took, with its waiting. */
  learn(seconds: number): void {
    this.#seconds = this.#seconds === 0 ? seconds : this.#seconds + NEWEST * (seconds - this.#seconds);
  }

  #full(images: number): DskdError {
    return new DskdError(
      'queue-full',
      `All workers are busy, and ${this.waiting} images wait; more than ${this.queue} may not.`,
      {
        hint: 'Send the request again after the seconds that Retry-After names.',
        details: { images, waiting: this.waiting, queue: this.queue, retryAfter: this.retryAfter },
      },
    );
  }
}
