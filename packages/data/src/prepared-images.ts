import { DskdError, throwIfAborted, type PixelBuffer } from '@dskd/base';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import { contentWarnings, type ImageContent } from './content-warnings.js';
import type { ImageFacts, IntensityRange } from './intensity.js';
import { limiter } from './limiter.js';
import { fitImage, toImageTensor, type Preparation } from './prepare.js';
import { isConstant } from './rgb-image.js';
import { imageProblem, type DatasetProblem, type Sample } from './samples.js';
import { assertAugmentation, augment, type Augmentation } from './transforms/augmentation.js';
import { assertCover, covered, type Cover } from './transforms/cover.js';
import {
  addBorder,
  assertColor,
  type Color,
  type Fit,
  type FittedImage,
  LETTERBOX_FILL,
  type Placement,
} from './transforms/placement.js';

export interface PreparedImagesOptions extends Preparation {
  /** Augments images by (seed, epoch, sample id), for training. Default: no augmentation. */
  readonly augment?: { readonly augmentation: Augmentation; readonly seed: number };
  /**
   * Size of the cache of prepared images, in bytes (an image takes height x width x 3). Default 256 MiB: about 1,300 images of
   * 256 px. Those beyond it are decoded again each time they are asked for. 0 disables the cache.
   */
  readonly cacheBytes?: number;
  /** Maximum number of images decoded at a time. Default 2. */
  readonly concurrency?: number;
  /** Images with a side shorter than this, in pixels, are refused. Default 1: none is refused. */
  readonly leastSide?: number;
}

interface Abortable {
  readonly signal?: AbortSignal;
}

export interface BatchOptions extends Abortable {
  /** Counted from 0. Determines the augmentation. Without it images are not augmented, as calibration needs. */
  readonly epoch?: number;
}

export interface ReadAllOptions extends Abortable {
  /** Called and awaited after each image that could be read, with its part of the network's input: RGB. */
  readonly onRead?: (index: number, pixels: PixelBuffer) => void | Promise<void>;
}

type PreparedSample = Pick<Sample, 'id' | 'load' | 'origin'>;

/**
 * The images of a list of samples at network size. An image is read when it is first requested and then cached as
 * bytes, so that later epochs do not decode again. Holds no tensors.
 *
 * If images are augmented, the cache holds the image before augmentation. Augmentation changes the image inside its
 * letterbox; the border and what is covered stay as they are.
 *
 * When the cache is full, its images stay. Every epoch requests each image once, so a cache that evicts the oldest
 * image would always evict it just before it is needed again.
 */
export class PreparedImages {
  readonly height: number;
  readonly width: number;
  readonly fit: Fit;
  readonly #fill: Color;
  readonly #cover: Cover | undefined;
  readonly #leastSide: number;
  readonly #augment: PreparedImagesOptions['augment'];
  readonly #samples: readonly PreparedSample[];
  readonly #capacity: number;
  readonly #cache = new Map<number, FittedImage>();
  #cachedBytes = 0;
  readonly #intensityRange: IntensityRange | undefined;
  readonly #facts = new Map<number, ImageContent>();
  readonly #placements = new Map<number, Placement>();
  /** Reads that the latest prefetch started and that have not been requested yet. */
  #ahead = new Map<number, Promise<FittedImage>>();
  readonly #limit: ReturnType<typeof limiter>;

  /** @throws {DskdError} `invalid-argument`, `invalid-config` (the augmentation) */
  constructor(samples: readonly PreparedSample[], options: PreparedImagesOptions) {
    const { height, width, cacheBytes = 256 * 2 ** 20, concurrency = 2 } = options;
    const positive = [height, width, concurrency].every((value) => Number.isInteger(value) && value > 0);
    if (!positive || !(cacheBytes >= 0)) {
      throw new DskdError(
        'invalid-argument',
        `Got height ${height}, width ${width}, concurrency ${concurrency}, cacheBytes ${cacheBytes}; ` +
          'wanted positive integers, and no negative cache.',
      );
    }
    const { fit = 'stretch', fill = LETTERBOX_FILL, cover } = options;
    assertColor(fill);
    if (cover) assertCover(cover, { width, height });
    if (options.augment) assertAugmentation(options.augment.augmentation);
    this.height = height;
    this.width = width;
    this.fit = fit;
    this.#fill = fill;
    this.#cover = cover;
    this.#leastSide = options.leastSide ?? 1;
    this.#intensityRange = options.intensityRange;
    this.#augment = options.augment;
    this.#samples = samples;
    this.#capacity = cacheBytes;
    this.#limit = limiter(concurrency);
  }

  /** Number of samples. */
  get length(): number {
    return this.#samples.length;
  }

  /** Bytes of images in the cache. */
  get cachedBytes(): number {
    return this.#cachedBytes;
  }

  /**
   * Returns the prepared images of the samples at `indices`, in that order. They may be shared with the cache: do not
   * write to them.
   * @throws {DskdError} `invalid-argument`, `dataset-invalid` (too small), `image-unreadable`, `file-not-found`,
   * `aborted`
   */
  async images(indices: readonly number[], { signal, epoch }: BatchOptions = {}): Promise<PixelBuffer[]> {
    const fitted = await this.#all(indices, signal);
    return fitted.map((image, position) =>
      addBorder(this.#varied(image, indices[position]!, epoch), this.#fill),
    );
  }

  /**
   * Returns the samples at `indices` as a batch.
   * @returns float32 `[indices.length, height, width, 3]`, RGB, 0..1. The caller disposes it.
   * @throws {DskdError} `invalid-argument`, `dataset-invalid` (too small), `image-unreadable`, `file-not-found`,
   * `aborted`
   */
  async batch(indices: readonly number[], options: BatchOptions = {}): Promise<Tensor4D> {
    return toImageTensor(await this.images(indices, options));
  }

  /**
   * Position of each image in the network's input. Images that were read before are not read again.
   * @throws {DskdError} `invalid-argument`, `dataset-invalid` (too small), `image-unreadable`, `file-not-found`,
   * `aborted`
   */
  async placements(indices: readonly number[], { signal }: Abortable = {}): Promise<Placement[]> {
    const unknown = indices.filter((index) => !this.#placements.has(index));
    await this.#all(unknown, signal);
    return indices.map((index) => this.#placements.get(index)!);
  }

  /**
   * Reads every image once, so that a damaged one is found before work that takes long. What fits into the cache is not
   * read again.
   * @returns the images that cannot be used, in the order of the samples.
   * @throws {DskdError} `aborted`, `dependency-missing`; whatever `onRead` and a sample's own `load` throw.
   */
  async readAll({ signal, onRead }: ReadAllOptions = {}): Promise<DatasetProblem[]> {
    const read = async (sample: PreparedSample, index: number): Promise<DatasetProblem | undefined> => {
      let image: FittedImage;
      try {
        image = await this.#image(index, signal);
      } catch (error) {
        return imageProblem(sample, error);
      }
      await onRead?.(index, image.content);
      return undefined;
    };
    const results = await Promise.all(this.#samples.map(read));
    throwIfAborted(signal);
    return results.filter((result) => result !== undefined);
  }

  /**
   * One sentence for each oddity of the images that were read so far: images without any content, 16-bit images of which
   * few gray levels are kept, and bands that were dropped.
   */
  warnings(): string[] {
    return contentWarnings([...this.#facts.values()], this.#intensityRange);
  }

  /**
   * Starts reading the samples at `indices` for the next {@link batch}. Of an earlier prefetch only images that are
   * in `indices` are kept. Read errors are thrown by the later call that requests the image.
   * @throws {DskdError} `invalid-argument`
   */
  prefetch(indices: readonly number[]): void {
    const ahead = new Map<number, Promise<FittedImage>>();
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

  async #all(indices: readonly number[], signal: AbortSignal | undefined): Promise<FittedImage[]> {
    throwIfAborted(signal);
    const images = await Promise.all(indices.map((index) => this.#image(index, signal)));
    throwIfAborted(signal);
    return images;
  }

  async #image(index: number, signal: AbortSignal | undefined): Promise<FittedImage> {
    this.#assertIndex(index);
    const cached = this.#cache.get(index);
    if (cached) return cached;
    const ahead = this.#ahead.get(index);
    this.#ahead.delete(index);
    return ahead ?? this.#read(index, signal);
  }

  async #read(index: number, signal: AbortSignal | undefined): Promise<FittedImage> {
    return this.#limit(async () => {
      throwIfAborted(signal);
      const sample = this.#samples[index]!;
      let facts: ImageFacts | undefined;
      const pixels = await sample.load({
        intensityRange: this.#intensityRange,
        onFacts: (found) => (facts = found),
      });
      this.#facts.set(index, { id: sample.id, facts, constant: await isConstant(pixels) });
      if (Math.min(pixels.width, pixels.height) < this.#leastSide) {
        throw new DskdError(
          'dataset-invalid',
          `${sample.id} has ${pixels.width} x ${pixels.height} pixels; wanted at least ${this.#leastSide} x ${this.#leastSide}.`,
          { hint: 'An image this small cannot show a part: remove it.', details: { id: sample.id } },
        );
      }
      const image = await fitImage(pixels, {
        height: this.height,
        width: this.width,
        fit: this.fit,
        intensityRange: this.#intensityRange,
        cover: this.#cover,
      });
      this.#placements.set(index, image.placement);
      const bytes = image.content.data.byteLength;
      if (!this.#cache.has(index) && this.#cachedBytes + bytes <= this.#capacity) {
        this.#cache.set(index, image);
        this.#cachedBytes += bytes;
      }
      return image;
    });
  }

  #varied(image: FittedImage, index: number, epoch: number | undefined): FittedImage {
    if (!this.#augment || epoch === undefined) return image;
    const { augmentation, seed } = this.#augment;
    const key = { seed, epoch, sample: this.#samples[index]!.id };
    // What is covered was moved with the image; its place is at the camera.
    return covered({ ...image, content: augment(image.content, augmentation, key) }, this.#cover);
  }
}
