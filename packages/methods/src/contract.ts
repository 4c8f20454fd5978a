import type { EventListener } from '@dskd/base';
import type { Teacher } from '@dskd/models';
import type { FusionRule, Normalization } from '@dskd/scoring';
import type { ImageSet, MemoryEstimate, StudentRunner } from '@dskd/training';
import type { StateDict, TensorStorage } from '@dskd/weights';
import type { Tensor1D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import type { z } from 'zod';

/** `[height, width]` in pixels. */
export type Size = readonly [number, number];

/** A JSON object. */
export type JsonObject = Readonly<Record<string, z.core.util.JSONType>>;

/** One view that a method has of an image. `local` sees structural faults, `global` logical ones. */
export interface BranchInfo {
  /** Unique within a model. */
  readonly name: string;
  /** Whether it gives an anomaly map. A branch without one adds to the image score only. */
  readonly map: boolean;
}

/** What one branch gives for a batch of images: a map, an image score, or both. */
export interface BranchOutput {
  readonly name: string;
  /**
   * Raw anomaly maps `[batch, height, width]`, larger is more anomalous; at the network's input size, or smaller: the
   * detector then brings them to that size bilinearly. Null for a branch without a map. The caller disposes it.
   */
  readonly map: Tensor3D | null;
  /** One raw score per image, where the branch has no map. */
  readonly scores?: Float32Array;
}

/** {@link BranchOutput} with tensors alone. The caller disposes them. */
export interface BranchTensors {
  readonly name: string;
  readonly map: Tensor3D | null;
  /** `[batch]`, where the branch has no map. */
  readonly scores?: Tensor1D;
}

/** A fitted model as plain data: all that an artifact keeps of it. */
export interface SavedModel {
  /** JSON that the method itself checks when it restores the model. */
  readonly config: JsonObject;
  /** Tensors by name; the artifact puts the method's name and a dot before each. */
  readonly tensors: StateDict;
}

/** What a method has learned: gives raw anomaly maps. Everything after them is the detector's. */
export interface AnomalyModel {
  /** Name of the method that made it. */
  readonly method: string;
  readonly branches: readonly BranchInfo[];
  /**
   * @param images float32 `[batch, height, width, 3]`, RGB, 0..1; the caller keeps them. A result must not depend on
   * the batch that an image came in.
   * @returns one output per branch, in the order of `branches`. The caller disposes their maps.
   */
  score(images: Tensor4D): Promise<BranchOutput[]>;
  /**
   * What {@link score} gives, by operations of TensorFlow.js alone: no value is read back. `@dskd/onnx` records these
   * operations. A method that computes otherwise leaves it out, and cannot be exported.
   * @throws {DskdError} `not-exportable` naming the branch that computes otherwise.
   */
  scoreTensors?(images: Tensor4D): Promise<BranchTensors[]>;
  state(): SavedModel;
  /**
   * Learns further good images without a new fit, as one lesson, where the method can. It disposes no image. Where
   * an image fails, nothing has been learned.
   * @throws {DskdError} `invalid-argument` where a branch of this model cannot, or without images.
   */
  extend?(images: AsyncIterable<Tensor4D>): Promise<void>;
  /**
   * Undoes the last lesson that {@link extend} learned and that is still kept: the state is what it was before.
   * @throws {DskdError} `invalid-argument` where there is none.
   */
  forget?(): void;
  /** Whether {@link nearest} finds anything: the detector then keeps the names of the training images. */
  readonly keepsPatches?: boolean;
  /**
   * The training patches nearest to places of an image, where the method keeps any.
   * @param image float32 `[1, height, width, 3]`; the caller keeps it.
   * @param places `[row, column]` in pixels of the network's input.
   * @throws {DskdError} `invalid-argument` for a place outside of the image.
   */
  nearest?(image: Tensor4D, places: readonly (readonly [number, number])[]): Promise<NearestPatch[]>;
  dispose(): void;
}

/** A training patch that is nearest to a place of an image. */
export interface NearestPatch {
  /** Index of the training image, in the order of the fit; images of lessons follow. */
  readonly image: number;
  /** The patch in that image, in pixels of the network's input. */
  readonly area: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  /** Distance of the two patches, in the units of the raw map. */
  readonly distance: number;
}

/** How a detector makes one score of a method's branches, where its user does not choose. */
export interface ScoringDefaults {
  readonly normalization: Normalization;
  readonly fusion: FusionRule;
  /** Factor of a branch's normalized score; 1 where it is left out. */
  readonly weights?: Readonly<Record<string, number>>;
}

/** What a fit is about, before anything is computed. */
export interface FitPlan {
  /** How many images are trained on. */
  readonly images: number;
  readonly inputSize: Size;
  readonly teacher?: Teacher | undefined;
  /** Root of every random stream. */
  readonly seed: number;
  /** Whether each epoch sees other pixels (augmentation), so that features cannot be kept. */
  readonly imagesChange: boolean;
  readonly execution: Execution;
}

/** How a fit runs on this machine. Does not change its result. */
export interface Execution {
  /**
   * Makes what trains one student. Default: in this thread. `workerRunnerFor` of `@dskd/methods/node` gives each
   * student a thread of its own.
   */
  readonly runner?: RunnerFactory | undefined;
  /** Bytes that cached teacher features may take. Default 1 GiB. Nothing is cached where images change. */
  readonly featureCacheBytes?: number | undefined;
}

/** Makes what trains one network, in this thread or in another one. */
export type RunnerFactory = (plan: RunnerPlan) => StudentRunner | Promise<StudentRunner>;

/** How another thread builds a network: it imports `setUpModule` and calls its `setUpStudent(options)`. */
export interface RunnerPlan {
  readonly name: string;
  /** URL of a module that exports `setUpStudent(options): StudentTask`. */
  readonly setUpModule: string;
  /** Structured-cloneable. */
  readonly options: unknown;
}

export interface FitInput extends FitPlan {
  readonly trainingImages: ImageSet;
  /** What decides the result besides the method's options: a checkpoint is good for the same run only. */
  readonly run: JsonObject;
  /** Called with the bytes of a checkpoint every so many epochs, and when aborted. Where it fails, a warning is emitted. */
  readonly checkpoint?: { readonly everyEpochs: number; save(bytes: Uint8Array): Promise<void> } | undefined;
  /** Bytes of a checkpoint of the same run: the fit goes on where it stopped, to the same bits. */
  readonly resumeFrom?: Uint8Array | undefined;
  readonly onEvent?: EventListener | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Fit {
  readonly model: AnomalyModel;
  /** JSON for the artifact's training record: what happened (steps, losses), no wall clock, no host name. */
  readonly record: JsonObject;
  /** Images per pass that suit the model; it is calibrated with them. Default 8. */
  readonly batchSize?: number;
  /** Element type that the model's matrices have been rounded to. Default `float32`. */
  readonly storage?: TensorStorage;
}

/** Something that would need less memory than the fit that was asked for. */
export interface Alternative {
  readonly kind:
    | 'worker-threads'
    | 'preset'
    | 'branches-apart'
    | 'gccb-channels'
    | 'batch-size'
    | 'input-size'
    | 'method-options'
    | 'backend';
  /** The value that would fit, where the kind has one: a preset's name, a number, a size, branch names, options. */
  readonly value?: string | number | Size | readonly string[] | JsonObject;
}

/** What a fit would take, by arithmetic alone. */
export interface CostEstimate {
  /** Memory at the peak, backend and host together, in bytes. */
  readonly bytes: number;
  /** The same in parts, with the limit of each heap. */
  readonly memory: MemoryEstimate;
  /**
   * Bytes of the files that it writes, at most about: the model with its teacher, and a checkpoint where the fit makes any.
   * Left out where that is not known.
   */
  readonly files?: { readonly model: number; readonly checkpoint?: number } | undefined;
  /** Optimizer steps of the whole run, at most where time ends it; 0 for a method that has none. */
  readonly steps: number;
  /** Seconds after which the run ends, where its options say so. */
  readonly timeLimit?: number;
}

/** What a saved model is restored with. */
export interface RestoreContext {
  readonly inputSize: Size;
  /** The teacher that the model was fitted with; its owner disposes it, not before the model. */
  readonly teacher?: Teacher | undefined;
}

/**
 * An anomaly detection method: learns a model from good images. Register it with {@link registerMethod}; then
 * `trainDetector` and the command line know it by name. Options are one zod object, described once: checks, defaults,
 * JSON Schema and command line options follow from it.
 */
export interface Method<Options = unknown> {
  readonly name: string;
  /** One line for a list of methods. */
  readonly summary: string;
  readonly options: z.ZodType<Options>;
  /** Complete options by the name of the profile; `paper` as published, `lite` for a CPU. */
  readonly profiles: Readonly<Record<string, Options>>;
  readonly needs: {
    readonly teacher: boolean;
    /** Whether its fit wants good images that it was not fitted on. */
    readonly validation: boolean;
  };
  /**
   * Whether its fit looks at each image once, and not in epochs. Augmentation then adds altered copies of the images.
   * Default false.
   */
  readonly looksOnce?: boolean;
  /**
   * Side in pixels of the square input that it is given where its user names no size and the images are as large.
   * Default 128.
   */
  readonly preferredSide?: number;
  /**
   * Whether models that are fitted with these options keep patches ({@link AnomalyModel.keepsPatches}). Where it is left
   * out, only a fitted model tells.
   */
  keepsPatches?(options: Options): boolean;
  /**
   * How branches of models that are fitted with these options become one score. Default: Eq. 8, the sum of maps that are normalized
   * by the moments of their pixels.
   */
  scoring?(options: Options): ScoringDefaults | undefined;
  /**
   * Which part of a method looks at places of an image, and can run on tiles of it, and which looks at the whole image.
   * A method without it cannot run on tiles.
   * @returns complete options of each part, null where there is none; not both are null.
   * @throws {DskdError} `invalid-config` for options that make no sense on tiles.
   */
  tiling?(options: Options): { readonly tile: Options | null; readonly whole: Options | null };
  /**
   * What `fit` would take, before anything is allocated.
   * @throws {DskdError} `invalid-config`, `invalid-argument` for options that make no sense together.
   */
  estimate(plan: FitPlan, options: Options): CostEstimate;
  /** What would fit in place of a fit that does not, the smallest change of each kind. */
  alternatives?(plan: FitPlan, options: Options, availableBytes: number): Alternative[];
  /**
   * @returns a model, which the caller disposes. It uses the teacher: dispose that later.
   * @throws {DskdError} `out-of-memory` before anything is allocated, `numerical-instability`, `aborted`.
   */
  fit(input: FitInput, options: Options): Promise<Fit>;
  /**
   * @returns a model whose scores are those of the one that was saved, bit for bit on the same backend.
   * @throws {DskdError} `artifact-invalid`, `weights-mismatch`, `input-size-mismatch`
   */
  restore(saved: SavedModel, context: RestoreContext): Promise<AnomalyModel>;
  /**
   * Joins models that were fitted apart into one with the branches of all, where the method can.
   * @throws {DskdError} `invalid-argument` for models that do not go together.
   */
  combine?(models: readonly SavedModel[]): SavedModel;
}
