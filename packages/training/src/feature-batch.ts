import { dispose, keep, tensor4d, type Tensor4D } from '@tensorflow/tfjs-core';

/** Name and shape `[height, width, channels]` of one level of a feature batch. */
export interface BatchLevel {
  readonly name: string;
  readonly shape: readonly [number, number, number];
}

/** Features of one image: one array per level, row-major `[height, width, channels]`. */
export type ImageFeatures = readonly Float32Array[];

/** Teacher features of one step. The training loop owns it; a runner may read it only during the call. */
export interface FeatureBatch {
  /** Number of images. */
  readonly size: number;
  readonly levels: readonly BatchLevel[];
  /** One tensor per level, `[size, height, width, channels]`. Owned by the batch: do not dispose. */
  tensors(): readonly Tensor4D[];
  /** One entry per image. In SharedArrayBuffers if a student is trained in another thread. */
  arrays(): Promise<readonly ImageFeatures[]>;
}

/** Allocates an array, either local to this thread or shared with other threads. */
export type Allocate = (length: number) => Float32Array;

export const allocateLocal: Allocate = (length) => new Float32Array(length);
export const allocateShared: Allocate = (length) =>
  new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));

/** Copies tensors, one per level, to host arrays, one per image and level. */
export async function readImages(tensors: readonly Tensor4D[], allocate: Allocate): Promise<ImageFeatures[]> {
  const levels = await Promise.all(tensors.map((tensor) => tensor.data<'float32'>()));
  const size = tensors[0]!.shape[0];
  return Array.from({ length: size }, (_, image) =>
    levels.map((values) => {
      const length = values.length / size;
      const copy = allocate(length);
      copy.set(values.subarray(image * length, (image + 1) * length));
      return copy;
    }),
  );
}

/** Returns one level of several images as a tensor `[images, height, width, channels]`. */
function joinImages(images: readonly ImageFeatures[], level: number, shape: BatchLevel['shape']): Tensor4D {
  const length = shape[0] * shape[1] * shape[2];
  const values = new Float32Array(images.length * length);
  images.forEach((features, image) => values.set(features[level]!, image * length));
  return tensor4d(values, [images.length, ...shape]);
}

/** A batch that holds tensors, host arrays or both, and creates the missing kind on demand. */
export class HeldFeatures implements FeatureBatch {
  readonly size: number;
  readonly levels: readonly BatchLevel[];
  #tensors: readonly Tensor4D[] | undefined;
  #images: readonly ImageFeatures[] | undefined;

  /** Takes ownership of `held.tensors`. */
  constructor(
    levels: readonly BatchLevel[],
    held: { readonly tensors?: readonly Tensor4D[]; readonly images?: readonly ImageFeatures[] },
  ) {
    this.levels = levels;
    this.size = held.images?.length ?? held.tensors?.[0]?.shape[0] ?? 0;
    this.#tensors = held.tensors;
    this.#images = held.images;
  }

  tensors(): readonly Tensor4D[] {
    const images = this.#images ?? [];
    // `keep`: a caller's tidy must not dispose them; they live until the batch is disposed.
    this.#tensors ??= this.levels.map(({ shape }, level) => keep(joinImages(images, level, shape)));
    return this.#tensors;
  }

  async arrays(): Promise<readonly ImageFeatures[]> {
    this.#images ??= await readImages(this.#tensors ?? [], allocateLocal);
    return this.#images;
  }

  dispose(): void {
    dispose([...(this.#tensors ?? [])]);
    this.#tensors = undefined;
  }
}
