import { DskdError, throwIfAborted, type PixelBuffer } from '@dskd/base';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import { limiter } from './limiter.js';
import { preparePixels, toImageTensor, type PreparedSize } from './prepare.js';
import type { Sample } from './samples.js';

export interface PreparedPicturesOptions extends PreparedSize {
  /**
   * How many bytes of prepared pictures are kept (a picture takes height x width x 3). Default 256 MiB.
   * 0 keeps none.
   */
  readonly cacheBytes?: number;
  /** How many pictures are decoded at a time, default 2. */
  readonly concurrency?: number;
}

interface Abortable {
  readonly signal?: AbortSignal;
}

/**
 * The pictures of a list of samples at network size, read when they are first asked for and then kept as
 * bytes, so that an epoch does not decode again. Holds no tensors.
 *
 * When the cache is full the pictures in it stay: an epoch asks for every picture once, and whatever makes
 * room by throwing out the oldest would throw out each picture just before it is wanted again.
 */
export class PreparedPictures {
  readonly height: number;
  readonly width: number;
  readonly #samples: readonly Pick<Sample, 'id' | 'load'>[];
  readonly #capacity: number;
  readonly #cache = new Map<number, PixelBuffer>();
  /** What the latest prefetch started and nobody has asked for yet. */
  #ahead = new Map<number, Promise<PixelBuffer>>();
  readonly #limit: ReturnType<typeof limiter>;

  /** @throws {DskdError} `invalid-argument` */
  constructor(samples: readonly Pick<Sample, 'id' | 'load'>[], options: PreparedPicturesOptions) {
    const { height, width, cacheBytes = 256 * 2 ** 20, concurrency = 2 } = options;
    const positive = [height, width, concurrency].every((value) => Number.isInteger(value) && value > 0);
    if (!positive || !(cacheBytes >= 0)) {
      throw new DskdError(
        'invalid-argument',
        `Got height ${height}, width ${width}, concurrency ${concurrency}, cacheBytes ${cacheBytes}; ` +
          'wanted positive integers, and no negative cache.',
      );
    }
    this.height = height;
    this.width = width;
    this.#samples = samples;
    this.#capacity = Math.floor(cacheBytes / (height * width * 3));
    this.#limit = limiter(concurrency);
  }

  /** How many samples there are. */
  get length(): number {
    return this.#samples.length;
  }

  /** Bytes of pictures kept now. */
  get cachedBytes(): number {
    return this.#cache.size * this.height * this.width * 3;
  }

  /**
   * The prepared pictures of the samples at `indices`, in that order. They may be shared: do not write to
   * them.
   * @throws {DskdError} `invalid-argument`, `image-unreadable`, `file-not-found`, `aborted`
   */
  async pictures(indices: readonly number[], { signal }: Abortable = {}): Promise<PixelBuffer[]> {
    throwIfAborted(signal);
    const wanted = indices.map((index) => this.#picture(index, signal));
    const pictures = await Promise.all(wanted);
    throwIfAborted(signal);
    return pictures;
  }

  /**
   * The samples at `indices` as a batch.
   * @returns float32 `[indices.length, height, width, 3]`, RGB, 0..1. The caller disposes it.
   * @throws {DskdError} `invalid-argument`, `image-unreadable`, `file-not-found`, `aborted`
   */
  async batch(indices: readonly number[], options: Abortable = {}): Promise<Tensor4D> {
    return toImageTensor(await this.pictures(indices, options));
  }

  /**
   * Starts reading the samples at `indices`, so that the next {@link batch} finds them; of an earlier
   * prefetch only what these name is kept. What goes wrong is told to whoever asks for the picture.
   * @throws {DskdError} `invalid-argument`
   */
  prefetch(indices: readonly number[]): void {
    const ahead = new Map<number, Promise<PixelBuffer>>();
    for (const index of indices) {
      this.#assertIndex(index);
      if (this.#cache.has(index) || ahead.has(index)) continue;
      const reading = this.#ahead.get(index) ?? this.#read(index, undefined);
      reading.catch(() => undefined);
      ahead.set(index, reading);
    }
    this.#ahead = ahead;
  }

  #assertIndex(index: number): void {
    if (!Number.isInteger(index) || index < 0 || index >= this.#samples.length) {
      throw new DskdError('invalid-argument', `Got sample ${index}; there are ${this.#samples.length}.`);
    }
  }

  async #picture(index: number, signal: AbortSignal | undefined): Promise<PixelBuffer> {
    this.#assertIndex(index);
    const cached = this.#cache.get(index);
    if (cached) return cached;
    const ahead = this.#ahead.get(index);
    this.#ahead.delete(index);
    return ahead ?? this.#read(index, signal);
  }

  async #read(index: number, signal: AbortSignal | undefined): Promise<PixelBuffer> {
    return this.#limit(async () => {
      throwIfAborted(signal);
      const picture = preparePixels(await this.#samples[index]!.load(), this);
      if (this.#cache.size < this.#capacity) this.#cache.set(index, picture);
      return picture;
    });
  }
}
