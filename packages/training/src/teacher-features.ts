import { dispose, type Tensor4D } from '@tensorflow/tfjs-core';
import { DskdError } from '@dskd/base';
import type { FeatureExtractor } from '@dskd/core';
import {
  allocateLocal,
  allocateShared,
  HeldFeatures,
  readImages,
  type BatchLevel,
  type FeatureBatch,
  type ImageFeatures,
} from './feature-batch.js';
import { yieldToEventLoop } from './event-loop.js';

/** The training images, addressed by index. */
export interface ImageSet {
  readonly length: number;
  /** How many of them, the first ones, are not altered copies of others. Default: all. */
  readonly originals?: number;
  /** Whether `batch` returns other pixels in another epoch (augmentation). Then features are not cached. */
  readonly changesEachEpoch: boolean;
  /**
   * @param indices each in `[0, length)`.
   * @param epoch from 0. Random numbers used for an image may depend only on (seed, epoch, index).
   * @returns float32 `[indices.length, height, width, 3]`, RGB, 0..1. The training loop disposes it.
   */
  batch(indices: readonly number[], epoch: number): Promise<Tensor4D>;
  /** Starts reading the images of the next `batch`, so that they are decoded while this thread computes. */
  prefetch?(indices: readonly number[]): void;
}

/** The images of a step. */
interface BatchRequest {
  readonly indices: readonly number[];
  readonly epoch: number;
}

/** A request with the images whose features are not in the cache. */
interface LoadedImages {
  readonly indices: readonly number[];
  readonly missing: readonly number[];
  readonly images: Tensor4D | undefined;
}

interface TeacherFeaturesOptions {
  readonly teacher: FeatureExtractor;
  readonly images: ImageSet;
  /** Limit of the cache in bytes. Features that do not fit are computed again each time. */
  readonly cacheBytes: number;
  /** Whether any student is trained in another thread. */
  readonly shared: boolean;
}

/** Computes the teacher features of a batch once for all students, with a cache. */
export class TeacherFeatures {
  readonly #options: TeacherFeaturesOptions;
  readonly #cache = new Map<number, ImageFeatures>();
  #cachedBytes = 0;
  #levels: readonly BatchLevel[] = [];

  constructor(options: TeacherFeaturesOptions) {
    this.#options = options;
  }

  /** Whether `extract` may run while students train. Only if they are trained in other threads. */
  get canRunAhead(): boolean {
    return this.#options.shared;
  }

  async load({ indices, epoch }: BatchRequest): Promise<LoadedImages> {
    const missing = indices.filter((index) => !this.#cache.has(index));
    if (missing.length === 0) return { indices, missing, images: undefined };
    const images = await this.#options.images.batch(missing, epoch);
    if (images.shape[0] !== missing.length || images.shape[3] !== 3) {
      const shape = [...images.shape];
      images.dispose();
      throw new DskdError(
        'shape-mismatch',
        `Got a batch of images [${shape.join(', ')}], wanted [${missing.length}, height, width, 3].`,
        { details: { shape, images: missing.length } },
      );
    }
    return { indices, missing, images };
  }

  /** Returns the features of the loaded images and disposes the images. The caller disposes the batch. */
  async extract({ indices, missing, images }: LoadedImages): Promise<HeldFeatures> {
    const fresh = images ? await this.#extractFresh(missing, images) : undefined;
    if (fresh && missing.length === indices.length) return fresh;
    const extracted = fresh ? await fresh.arrays() : [];
    fresh?.dispose();
    const freshByIndex = new Map(missing.map((index, position) => [index, extracted[position]!]));
    return new HeldFeatures(this.#levels, {
      images: indices.map((index) => freshByIndex.get(index) ?? this.#cache.get(index)!),
    });
  }

  async #extractFresh(missing: readonly number[], images: Tensor4D): Promise<HeldFeatures> {
    const { teacher, shared } = this.#options;
    let tensors: Tensor4D[];
    try {
      tensors = await teacher.extract(images);
    } finally {
      images.dispose();
    }
    this.#levels = tensors.map((tensor, level) => {
      const [, height, width, channels] = tensor.shape;
      return { name: teacher.levels[level]?.name ?? `level ${level}`, shape: [height, width, channels] };
    });
    if (!shared && !this.#hasRoom()) return new HeldFeatures(this.#levels, { tensors });
    const features = await readImages(tensors, shared ? allocateShared : allocateLocal);
    missing.forEach((index, position) => this.#remember(index, features[position]!));
    if (!shared) return new HeldFeatures(this.#levels, { tensors, images: features });
    dispose(tensors);
    return new HeldFeatures(this.#levels, { images: features });
  }

  get #bytesPerImage(): number {
    const values = this.#levels.reduce((total, { shape }) => total + shape[0] * shape[1] * shape[2], 0);
    return values * Float32Array.BYTES_PER_ELEMENT;
  }

  #hasRoom(): boolean {
    if (this.#options.images.changesEachEpoch) return false;
    return this.#cachedBytes + this.#bytesPerImage <= this.#options.cacheBytes;
  }

  #remember(index: number, features: ImageFeatures): void {
    if (this.#cache.has(index) || !this.#hasRoom()) return;
    this.#cache.set(index, features);
    this.#cachedBytes += this.#bytesPerImage;
  }
}

/**
 * Calls `visit` for the batches `from` to `to - 1`, one after another, and disposes each. The next batch is
 * prepared during the call: its images, and also its features if students are trained in other threads. The
 * results do not depend on this. Ends after a batch for which `visit` resolves to false.
 */
export async function eachBatch(
  source: TeacherFeatures,
  range: { readonly from: number; readonly to: number; at(batch: number): BatchRequest },
  visit: (features: FeatureBatch, batch: number) => Promise<boolean>,
): Promise<void> {
  const prepare = async (batch: number): Promise<{ loaded: LoadedImages } | { features: HeldFeatures }> => {
    const loaded = await source.load(range.at(batch));
    if (!source.canRunAhead) return { loaded };
    await yieldToEventLoop();
    return { features: await source.extract(loaded) };
  };

  let ahead: ReturnType<typeof prepare> | undefined;
  try {
    for (let batch = range.from; batch < range.to; batch++) {
      const prepared = await (ahead ?? prepare(batch));
      ahead = undefined;
      const features = 'features' in prepared ? prepared.features : await source.extract(prepared.loaded);
      try {
        const visiting = visit(features, batch);
        if (batch + 1 < range.to) {
          ahead = prepare(batch + 1);
          // The error is thrown where it is awaited; until then it must not count as unhandled.
          ahead.catch(() => undefined);
        }
        if (!(await visiting)) return;
      } finally {
        features.dispose();
      }
    }
  } finally {
    const unused = await ahead?.catch(() => undefined);
    if (unused && 'features' in unused) unused.features.dispose();
    else unused?.loaded.images?.dispose();
  }
}
