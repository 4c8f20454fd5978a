import { throwIfAborted } from '@dskd/base';
import { upsampleBilinear } from '@dskd/core';
import type { Placement } from '@dskd/data';
import type { AnomalyModel, BranchOutput, Size } from '@dskd/methods';
import { createNormalizationAccumulator, type BranchNormalization } from '@dskd/scoring';
import type * as tf from '@tensorflow/tfjs-core';
import type { BranchDescription, DetectorDescription } from '../artifact/description.js';
import { ignoredPixels } from '../inference/ignored-pixels.js';
import { disposeOutputs, rawImageScores, scoreOutputs } from '../inference/score.js';

/** Images of good parts, prepared, in batches: the `PreparedImages` of `@dskd/data`. */
export interface PreparedBatches {
  readonly length: number;
  /** `[batch, height, width, 3]`, RGB, 0..1; the caller disposes it. */
  batch(indices: readonly number[]): Promise<tf.Tensor4D>;
  /** Where each image lies in the network's input. */
  placements(indices: readonly number[]): Promise<readonly Placement[]>;
  /** Starts reading the images of the next `batch`. */
  prefetch?(indices: readonly number[]): void;
}

/** What normal images look like to the detector. */
export interface Calibration {
  readonly normalizations: ReadonlyMap<string, BranchNormalization>;
  /** Fused image scores, in the order of the images. */
  readonly scores: number[];
  readonly branchScores: ReadonlyMap<string, number[]>;
}

/** How maps become scores; which of the normal images' numbers normalize a branch. */
export type ScoringRule = DetectorDescription['fusion'];

export interface BatchOptions {
  readonly batchSize: number;
  /** `height * width` of the network's input, 1 where pixels count neither for statistics nor for scores. */
  readonly ignored?: Uint8Array | null | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface CalibrateOptions extends BatchOptions {
  /** What normalizes each branch, where it is known. Default: what the maps of `statistics` give. */
  readonly normalizations?: ReadonlyMap<string, BranchNormalization> | undefined;
  /** Images whose maps normalize the branches. Default: those that are scored. */
  readonly statistics?: PreparedBatches | undefined;
}

/** Raw outputs of one batch; their maps lie on the backend. */
interface RawBatch {
  readonly outputs: readonly BranchOutput[];
  /** One per image. */
  readonly ignored: readonly (Uint8Array | null)[];
  /** `[height, width]` of the images. */
  readonly inputSize: Size;
}

/** The caller disposes the maps of each batch. */
async function* rawBatches(
  model: AnomalyModel,
  images: PreparedBatches,
  { batchSize, ignored, signal }: BatchOptions,
): AsyncGenerator<RawBatch> {
  const batchFrom = (start: number): number[] =>
    Array.from({ length: Math.max(0, Math.min(batchSize, images.length - start)) }, (_, i) => start + i);
  for (let start = 0; start < images.length; start += batchSize) {
    throwIfAborted(signal);
    const indices = batchFrom(start);
    const batch = await images.batch(indices);
    images.prefetch?.(batchFrom(start + batchSize));
    const [, height, width] = batch.shape;
    let outputs: readonly BranchOutput[];
    try {
      outputs = await model.score(batch);
    } finally {
      batch.dispose();
    }
    const placements = await images.placements(indices);
    yield {
      outputs,
      ignored: placements.map((placed) => ignoredPixels(placed, [ignored])),
      inputSize: [height, width],
    };
  }
}

/** The values of a map at the size of the input. */
async function wholeMap(map: tf.Tensor3D, size: Size): Promise<Float32Array> {
  const whole = upsampleBilinear(map, size, { alignCorners: false });
  try {
    return (await whole.data()) as Float32Array;
  } finally {
    whole.dispose();
  }
}

/** The values of the pixels that count. */
function counting(values: Float32Array, ignored: RawBatch['ignored']): Float32Array {
  if (ignored.every((mask) => mask === null)) return values;
  const pixels = values.length / ignored.length;
  return values.filter((_, i) => !ignored[Math.floor(i / pixels)]?.[i % pixels]);
}

/** Bytes of raw maps that may stay on the backend between the two passes of a calibration. */
const KEPT_BYTES = 256 * 2 ** 20;

/**
 * What normalizes each branch, of all pixels that count.
 * @param kept where the batches stay: all of them where `keeps` is true and there is room, else none. The caller
 * disposes them, on an error, too.
 */
async function measureNormalizations(
  batches: AsyncIterable<RawBatch>,
  { branches }: AnomalyModel,
  { normalization, sigma }: ScoringRule,
  { kept, keeps }: { readonly kept: RawBatch[]; readonly keeps: boolean },
): Promise<ReadonlyMap<string, BranchNormalization>> {
  const accumulators = new Map(
    branches.map(({ name }) => [name, createNormalizationAccumulator(normalization)]),
  );
  let bytes = 0;
  for await (const batch of batches) {
    kept.push(batch);
    const scores =
      normalization === 'image-scores'
        ? await rawImageScores(batch.outputs, { sigma, size: batch.inputSize }, batch.ignored)
        : undefined;
    for (const { name, map, scores: own } of batch.outputs) {
      const values =
        scores?.get(name) ?? (map ? counting(await wholeMap(map, batch.inputSize), batch.ignored) : own!);
      accumulators.get(name)!.add(values);
      bytes += map ? map.size * 4 : 0;
    }
    if (keeps && bytes <= KEPT_BYTES) continue;
    for (const { outputs } of kept.splice(0)) disposeOutputs(outputs);
  }
  return new Map([...accumulators].map(([name, accumulator]) => [name, accumulator.result()]));
}

async function scoreBatches(
  batches: AsyncIterable<RawBatch>,
  { branches }: AnomalyModel,
  normalizations: ReadonlyMap<string, BranchNormalization>,
  fusion: ScoringRule,
): Promise<Calibration> {
  const scores: number[] = [];
  const branchScores = new Map<string, number[]>(branches.map(({ name }) => [name, []]));
  for await (const { outputs, ignored, inputSize } of batches) {
    const scored = await scoreOutputs(outputs, { fusion, normalizations, inputSize }, ignored).finally(() =>
      disposeOutputs(outputs),
    );
    scores.push(...scored.fused.scores);
    for (const [name, branch] of scored.branches) branchScores.get(name)!.push(...branch.scores);
  }
  return { normalizations, scores, branchScores };
}

/**
 * The scores that normal images get, fused and by branch; with what normalizes each branch, of all pixels of
 * `statistics` that count, unless it is known. Where the images that are scored give it, too, their raw maps stay on
 * the backend until it is known, if there is room for them; else they are computed a second time.
 */
export async function calibrate(
  model: AnomalyModel,
  rule: ScoringRule,
  images: PreparedBatches,
  { normalizations, statistics = images, ...options }: CalibrateOptions,
): Promise<Calibration> {
  const kept: RawBatch[] = [];
  try {
    const known =
      normalizations ??
      (await measureNormalizations(rawBatches(model, statistics, options), model, rule, {
        kept,
        keeps: statistics === images,
      }));
    const batches = kept.length > 0 ? takeFrom(kept, options.signal) : rawBatches(model, images, options);
    return await scoreBatches(batches, model, known, rule);
  } finally {
    for (const { outputs } of kept) disposeOutputs(outputs);
  }
}

/** What a detector's description says of the model's branches. */
export function calibratedBranches(
  { branches }: AnomalyModel,
  { normalizations, branchScores }: Calibration,
): BranchDescription[] {
  return branches.map(({ name, map }) => ({
    name,
    map,
    normalization: normalizations.get(name)!,
    calibrationScores: branchScores.get(name)!,
  }));
}

/** Takes batches off a list, so that each belongs to whoever got it. */
async function* takeFrom(list: RawBatch[], signal: AbortSignal | undefined): AsyncGenerator<RawBatch> {
  for (let batch = list.shift(); batch; batch = list.shift()) {
    throwIfAborted(signal);
    yield await Promise.resolve(batch);
  }
}
