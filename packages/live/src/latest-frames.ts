import { DskdError } from '@dskd/base';

/**
 * A buffer between a source that does not wait and a consumer that may be slow: the newest items, in their order. What is too much
 * drops the oldest.
 */
export class LatestFrames<T> implements AsyncIterableIterator<T, undefined> {
  readonly #capacity: number;
  readonly #onDrop: (item: T) => void;
  readonly #items: T[] = [];
  readonly #waiting: ((next: IteratorResult<T, undefined>) => void)[] = [];
  #closed = false;

  /**
   * @param capacity most items that wait; 1 keeps the newest alone.
   * @param onDrop is told what is left out.
   * @throws {DskdError} `invalid-argument`
   */
  constructor(capacity: number, onDrop: (item: T) => void = () => undefined) {
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new DskdError(
        'invalid-argument',
        `Got a buffer of ${capacity} frames, wanted a positive integer.`,
        {
          hint: '1 keeps the newest frame alone.',
        },
      );
    }
    this.#capacity = capacity;
    this.#onDrop = onDrop;
  }

  /** How many wait. */
  get size(): number {
    return this.#items.length;
  }

  /** Adds the newest item. After `close` it is dropped. */
  push(item: T): void {
    if (this.#closed) return this.#onDrop(item);
    const consumer = this.#waiting.shift();
    if (consumer) return consumer({ done: false, value: item });
    this.#items.push(item);
    if (this.#items.length > this.#capacity) this.#onDrop(this.#items.shift()!);
  }

  /** The oldest item that is left, or the next one that comes. */
  next(): Promise<IteratorResult<T, undefined>> {
    const item = this.#items.shift();
    if (item !== undefined) return Promise.resolve({ done: false, value: item });
    if (this.#closed) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** No more items come. Those that wait can still be taken, or are dropped. */
  close(rest: 'keep' | 'drop'): void {
    this.#closed = true;
    if (rest === 'drop') for (const item of this.#items.splice(0)) this.#onDrop(item);
    for (const consumer of this.#waiting.splice(0)) consumer({ done: true, value: undefined });
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.close('drop');
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
