import { dispose, keep, tensor4d, type Tensor4D } from '@tensorflow/tfjs-core';

/** One level of a batch of features: its name and `[height, width, channels]`. */
export interface BatchLevel {
  readonly name: string;
  readonly shape: readonly [number, number, number];
}

/** Features of one picture: one array per level, row-major `[height, width, channels]`. */
export type PictureFeatures = readonly Float32Array[];

/** Teacher features of one step. The loop owns it: a runner reads it during the call it was given in. */
export interface FeatureBatch {
  /** How many pictures. */
  readonly size: number;
  readonly levels: readonly BatchLevel[];
  /** One tensor per level, `[size, height, width, channels]`. They belong to the batch: do not dispose. */
  tensors(): readonly Tensor4D[];
  /** Picture by picture. Where a student runs in another thread they lie in SharedArrayBuffers. */
  arrays(): Promise<readonly PictureFeatures[]>;
}

/** Makes an array that the students' threads can see, or an ordinary one. */
export type Allocate = (length: number) => Float32Array;

export const allocateLocal: Allocate = (length) => new Float32Array(length);
export const allocateShared: Allocate = (length) =>
  new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));

/** Copies tensors, one per level, to host arrays, one per picture and level. */
export async function readPictures(
  tensors: readonly Tensor4D[],
  allocate: Allocate,
): Promise<PictureFeatures[]> {
  const levels = await Promise.all(tensors.map((tensor) => tensor.data<'float32'>()));
  const size = tensors[0]!.shape[0];
  return Array.from({ length: size }, (_, picture) =>
    levels.map((values) => {
      const length = values.length / size;
      const copy = allocate(length);
      copy.set(values.subarray(picture * length, (picture + 1) * length));
      return copy;
    }),
  );
}

/** Joins one level of several pictures to a tensor. */
function joinPictures(
  pictures: readonly PictureFeatures[],
  level: number,
  shape: BatchLevel['shape'],
): Tensor4D {
  const length = shape[0] * shape[1] * shape[2];
  const values = new Float32Array(pictures.length * length);
  pictures.forEach((features, picture) => values.set(features[level]!, picture * length));
  return tensor4d(values, [pictures.length, ...shape]);
}

/** A batch that holds tensors, host arrays or both, and makes the other kind when it is asked for. */
export class HeldFeatures implements FeatureBatch {
  readonly size: number;
  readonly levels: readonly BatchLevel[];
  #tensors: readonly Tensor4D[] | undefined;
  #pictures: readonly PictureFeatures[] | undefined;

  /** Takes ownership of `held.tensors`. */
  constructor(
    levels: readonly BatchLevel[],
    held: { readonly tensors?: readonly Tensor4D[]; readonly pictures?: readonly PictureFeatures[] },
  ) {
    this.levels = levels;
    this.size = held.pictures?.length ?? held.tensors?.[0]?.shape[0] ?? 0;
    this.#tensors = held.tensors;
    this.#pictures = held.pictures;
  }

  tensors(): readonly Tensor4D[] {
    const pictures = this.#pictures ?? [];
    // Not in anyone's tidy: the tensors live until the batch is disposed.
    this.#tensors ??= this.levels.map(({ shape }, level) => keep(joinPictures(pictures, level, shape)));
    return this.#tensors;
  }

  async arrays(): Promise<readonly PictureFeatures[]> {
    this.#pictures ??= await readPictures(this.#tensors ?? [], allocateLocal);
    return this.#pictures;
  }

  dispose(): void {
    dispose([...(this.#tensors ?? [])]);
    this.#tensors = undefined;
  }
}
