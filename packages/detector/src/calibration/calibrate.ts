import { throwIfAborted } from '@dskd/base';
import type { Placement } from '@dskd/data';
import type { AnomalyModel, BranchOutput } from '@dskd/methods';
import {
  createNormalizationAccumulator,
  type BranchNormalization,
  type Normalization,
  type NormalizationAccumulator,
} from '@dskd/scoring';
import type * as tf from '@tensorflow/tfjs-core';
import { ignoredPixels } from '../inference/ignored-pixels.js';
import { disposeOutputs, rawOutputs, scoreOutputs } from '../inference/score.js';

/** Images of good parts, prepared, in batches: the `PreparedImages` of `@dskd/data`. */
export interface PreparedBatches {
  readonly length: number;
  /** `[batch, height, width, 3]`, RGB, 0..1; the caller disposes it. */
  batch(indices: readonly number[]): Promise<tf.Tensor4D>;
  /** Where each image lies in the network's input. */
  placements(indices: readonly number[]): Promise<readonly Placement[]>;
}

/** What normal images look like to the detector. */
export interface Calibration {
  readonly normalizations: ReadonlyMap<string, BranchNormalization>;
  /** Fused image scores, in the order of the images. */
  readonly scores: number[];
  readonly branchScores: ReadonlyMap<string, number[]>;
}

/** How maps become scores. */
export interface ScoringRule {
  /** Standard deviation of the Gaussian filter, in pixels of the network's input. 0 for none. */
  readonly sigma: number;
  /** What of the normal images' maps normalizes a branch. */
  readonly normalization: Normalization;
}

export interface BatchOptions {
  readonly batchSize: number;
  /** `height * width` of the network's input, 1 where pixels count neither for statistics nor for scores. */
  readonly ignored?: Uint8Array | null | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface CalibrateOptions extends BatchOptions {
  /** What normalizes each branch, where it is known. Default: what the images' own maps give. */
  readonly normalizations?: ReadonlyMap<string, BranchNormalization> | undefined;
}

/** Raw outputs of one batch; their maps lie on the backend. */
interface RawBatch {
  readonly outputs: readonly BranchOutput[];
  /** One per image. */
  readonly ignored: readonly (Uint8Array | null)[];
}

/** The caller disposes the maps of each batch. */
async function* rawBatches(
  model: AnomalyModel,
  images: PreparedBatches,
  { batchSize, ignored, signal }: BatchOptions,
): AsyncGenerator<RawBatch> {
  for (let start = 0; start < images.length; start += batchSize) {
    throwIfAborted(signal);
    const count = Math.min(batchSize, images.length - start);
    const indices = Array.from({ length: count }, (_, i) => start + i);
    const batch = await images.batch(indices);
    let outputs: readonly BranchOutput[];
    try {
      outputs = await rawOutputs(model, batch);
    } finally {
      batch.dispose();
    }
    const placements = await images.placements(indices);
    yield { outputs, ignored: placements.map((placed) => ignoredPixels(placed, [ignored])) };
  }
}

/** The values of the pixels that count. */
function counting(values: Float32Array, ignored: RawBatch['ignored']): Float32Array {
  if (ignored.every((mask) => mask === null)) return values;
  const pixels = values.length / ignored.length;
  return values.filter((_, i) => !ignored[Math.floor(i / pixels)]?.[i % pixels]);
}

/** What normalizes each branch, of all pixels it was shown. */
class BranchGatherer {
  readonly #gatherers: ReadonlyMap<string, NormalizationAccumulator>;

  constructor({ branches }: AnomalyModel, { normalization }: ScoringRule) {
    this.#gatherers = new Map(
      branches.map(({ name }) => [name, createNormalizationAccumulator(normalization)]),
    );
  }

  async add({ outputs, ignored }: RawBatch): Promise<void> {
    for (const { name, map, scores } of outputs) {
      const values = map ? counting((await map.data()) as Float32Array, ignored) : scores!;
      this.#gatherers.get(name)!.add(values);
    }
  }

  result(): Map<string, BranchNormalization> {
    return new Map([...this.#gatherers].map(([name, gatherer]) => [name, gatherer.result()]));
  }
}

/** What normalizes each branch's raw map, of all pixels of the images that count. */
export async function measureNormalizations(
  model: AnomalyModel,
  rule: ScoringRule,
  images: PreparedBatches,
  options: BatchOptions,
): Promise<Map<string, BranchNormalization>> {
  const gatherer = new BranchGatherer(model, rule);
  for await (const batch of rawBatches(model, images, options)) {
    await gatherer.add(batch).finally(() => disposeOutputs(batch.outputs));
  }
  return gatherer.result();
}

async function scoreBatches(
  batches: AsyncIterable<RawBatch>,
  { branches }: AnomalyModel,
  normalizations: ReadonlyMap<string, BranchNormalization>,
  { sigma }: ScoringRule,
): Promise<Calibration> {
  const scores: number[] = [];
  const branchScores = new Map<string, number[]>(branches.map(({ name }) => [name, []]));
  for await (const { outputs, ignored } of batches) {
    const scored = await scoreOutputs(outputs, normalizations, sigma, ignored).finally(() =>
      disposeOutputs(outputs),
    );
    scores.push(...scored.fused.scores);
    for (const [name, branch] of scored.branches) branchScores.get(name)!.push(...branch.scores);
  }
  return { normalizations, scores, branchScores };
}

/** Bytes of raw maps that may stay on the backend between the two passes of a calibration. */
const KEPT_BYTES = 256 * 2 ** 20;

/**
 * The scores that normal images get, fused and by branch; with what normalizes each branch, of all their pixels that
 * count, unless it is known. Raw maps stay on the backend until the normalization is known, if there is room for
 * them; else they are computed a second time.
 */
export async function calibrate(
  model: AnomalyModel,
  rule: ScoringRule,
  images: PreparedBatches,
  { normalizations, ...options }: CalibrateOptions,
): Promise<Calibration> {
  const again = (): AsyncGenerator<RawBatch> => rawBatches(model, images, options);
  if (normalizations) return scoreBatches(again(), model, normalizations, rule);

  const gatherer = new BranchGatherer(model, rule);
  const kept: RawBatch[] = [];
  let bytes = 0;
  try {
    for await (const batch of again()) {
      bytes += batch.outputs.reduce((sum, { map }) => sum + (map ? map.size * 4 : 0), 0);
      kept.push(batch);
      await gatherer.add(batch);
      if (bytes > KEPT_BYTES) for (const { outputs } of kept.splice(0)) disposeOutputs(outputs);
    }
    const known = gatherer.result();
    if (bytes > KEPT_BYTES) return await scoreBatches(again(), model, known, rule);
    return await scoreBatches(takeFrom(kept, options.signal), model, known, rule);
  } finally {
    for (const { outputs } of kept) disposeOutputs(outputs);
  }
}

/** Takes batches off a list, so that each belongs to whoever got it. */
async function* takeFrom(list: RawBatch[], signal: AbortSignal | undefined): AsyncGenerator<RawBatch> {
  for (let batch = list.shift(); batch; batch = list.shift()) {
    throwIfAborted(signal);
    yield await Promise.resolve(batch);
  }
}
