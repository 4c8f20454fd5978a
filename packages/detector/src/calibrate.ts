import { throwIfAborted } from '@dskd/base';
import type { FeatureExtractor } from '@dskd/core';
import type { Placement } from '@dskd/data';
import {
  createNormalizationAccumulator,
  type BranchNormalization,
  type NormalizationAccumulator,
} from '@dskd/scoring';
import * as tf from '@tensorflow/tfjs-core';
import type { BranchModel } from './branches.js';
import type { FusionRule } from './fusion-rule.js';
import { ignoredPixels } from './ignored-pixels.js';
import { rawMaps, scoreRawMaps } from './score-maps.js';

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

/** The raw maps of a batch on the host. */
interface RawBatch {
  readonly branches: ReadonlyMap<string, { values: Float32Array; shape: [number, number, number] }>;
  /** One per image. */
  readonly ignored: readonly (Uint8Array | null)[];
}

async function* rawBatches(
  extractor: FeatureExtractor,
  branches: readonly BranchModel[],
  rule: FusionRule,
  images: PreparedBatches,
  { batchSize, ignored, signal }: BatchOptions,
): AsyncGenerator<RawBatch> {
  for (let start = 0; start < images.length; start += batchSize) {
    throwIfAborted(signal);
    const count = Math.min(batchSize, images.length - start);
    const indices = Array.from({ length: count }, (_, i) => start + i);
    const batch = await images.batch(indices);
    const raw = await rawMaps(batch, extractor, branches, rule);
    batch.dispose();
    const maps = new Map<string, { values: Float32Array; shape: [number, number, number] }>();
    for (const [name, map] of raw) {
      maps.set(name, { values: (await map.data()) as Float32Array, shape: map.shape });
      map.dispose();
    }
    const placements = await images.placements(indices);
    yield { branches: maps, ignored: placements.map((placed) => ignoredPixels(placed, [ignored])) };
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
  readonly #accumulators: ReadonlyMap<string, NormalizationAccumulator>;

  constructor(branches: readonly BranchModel[], { normalization }: FusionRule) {
    this.#accumulators = new Map(
      branches.map(({ name }) => [name, createNormalizationAccumulator(normalization)]),
    );
  }

  add({ branches, ignored }: RawBatch): void {
    for (const [name, { values }] of branches) this.#accumulators.get(name)!.add(counting(values, ignored));
  }

  result(): Map<string, BranchNormalization> {
    return new Map([...this.#accumulators].map(([name, gatherer]) => [name, gatherer.result()]));
  }
}

/** What normalizes each branch's raw map, of all pixels of the images that count. */
export async function measureNormalizations(
  extractor: FeatureExtractor,
  branches: readonly BranchModel[],
  rule: FusionRule,
  images: PreparedBatches,
  options: BatchOptions,
): Promise<Map<string, BranchNormalization>> {
  const gatherer = new BranchGatherer(branches, rule);
  for await (const batch of rawBatches(extractor, branches, rule, images, options)) gatherer.add(batch);
  return gatherer.result();
}

async function scoreBatches(
  batches: AsyncIterable<RawBatch> | Iterable<RawBatch>,
  branches: readonly BranchModel[],
  normalizations: ReadonlyMap<string, BranchNormalization>,
  rule: FusionRule,
  signal: AbortSignal | undefined,
): Promise<Calibration> {
  const scores: number[] = [];
  const branchScores = new Map<string, number[]>(branches.map(({ name }) => [name, []]));
  for await (const batch of batches) {
    throwIfAborted(signal);
    const raw = new Map(
      [...batch.branches].map(([name, { values, shape }]) => [name, tf.tensor3d(values, shape)]),
    );
    const scored = await scoreRawMaps(raw, normalizations, rule, batch.ignored);
    tf.dispose([...raw.values()]);
    scores.push(...scored.fused.scores);
    for (const [name, branch] of scored.branches) branchScores.get(name)!.push(...branch.scores);
  }
  return { normalizations, scores, branchScores };
}

/**
 * The scores that normal images get, fused and by branch; with what normalizes each branch, of all
 * their pixels that count, unless it is known.
 */
export async function calibrate(
  extractor: FeatureExtractor,
  branches: readonly BranchModel[],
  rule: FusionRule,
  images: PreparedBatches,
  { normalizations, ...options }: CalibrateOptions,
): Promise<Calibration> {
  const batches = rawBatches(extractor, branches, rule, images, options);
  if (normalizations) return scoreBatches(batches, branches, normalizations, rule, options.signal);
  const gatherer = new BranchGatherer(branches, rule);
  const kept: RawBatch[] = [];
  for await (const batch of batches) {
    gatherer.add(batch);
    kept.push(batch);
  }
  return scoreBatches(kept, branches, gatherer.result(), rule, options.signal);
}
