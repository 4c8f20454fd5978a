import { dispose, type Tensor4D } from '@tensorflow/tfjs-core';
import { DskdError } from '@dskd/base';
import type { FeatureExtractor } from '@dskd/core';
import {
  allocateLocal,
  allocateShared,
  HeldFeatures,
  readImages,
  type BatchLevel,
  type ImageFeatures,
} from './feature-batch.js';
import type { ImageSet } from './images.js';

/** Which images a step sees. */
export interface BatchRequest {
  readonly indices: readonly number[];
  readonly epoch: number;
}

/** Images of a request that the cache does not hold. */
export interface LoadedImages {
  readonly indices: readonly number[];
  readonly missing: readonly number[];
  readonly images: Tensor4D | undefined;
}

export interface TeacherFeaturesOptions {
  readonly teacher: FeatureExtractor;
  readonly images: ImageSet;
  /** At most this many bytes of features are kept; images that do not fit are computed each time. */
  readonly cacheBytes: number;
  /** Whether students run in other threads. */
  readonly shared: boolean;
}

/** The one teacher pass that feeds all students, with its cache. */
export class TeacherFeatures {
  readonly #options: TeacherFeaturesOptions;
  readonly #cache = new Map<number, ImageFeatures>();
  #cachedBytes = 0;
  #levels: readonly BatchLevel[] = [];

  constructor(options: TeacherFeaturesOptions) {
    this.#options = options;
  }

  /** Whether `extract` may run while students train: only if they do so in threads of their own. */
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

  /** Consumes `loaded.images`. The caller disposes the batch. */
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
