import { throwIfAborted } from '@dskd/base';
import type { FeatureExtractor } from '@dskd/core';
import { MapStatistics, type BranchConstants } from '@dskd/scoring';
import * as tf from '@tensorflow/tfjs-core';
import type { BranchModel } from './branches.js';
import { rawMaps, scoreRawMaps, type FusionRule } from './score-maps.js';

/** Pictures of good parts, prepared, in batches. */
export interface PreparedBatches {
  readonly length: number;
  /** `[batch, height, width, 3]`, RGB, 0..1; the caller disposes it. */
  batch(indices: readonly number[]): Promise<tf.Tensor4D>;
}

/** What normal pictures look like to the detector. */
export interface Calibration {
  readonly constants: ReadonlyMap<string, BranchConstants>;
  /** Fused image scores, in the order of the pictures. */
  readonly scores: number[];
  readonly branchScores: ReadonlyMap<string, number[]>;
}

export interface BatchOptions {
  readonly batchSize: number;
  readonly signal?: AbortSignal | undefined;
}

export interface CalibrateOptions extends BatchOptions {
  /** Mean and deviation of each branch, where they are known. Default: those of the pictures' own maps. */
  readonly constants?: ReadonlyMap<string, BranchConstants> | undefined;
}

/** The raw maps of a batch on the host, by branch. */
type RawBatch = ReadonlyMap<string, { values: Float32Array; shape: [number, number, number] }>;

async function* rawBatches(
  extractor: FeatureExtractor,
  branches: readonly BranchModel[],
  rule: FusionRule,
  pictures: PreparedBatches,
  { batchSize, signal }: BatchOptions,
): AsyncGenerator<RawBatch> {
  for (let start = 0; start < pictures.length; start += batchSize) {
    throwIfAborted(signal);
    const count = Math.min(batchSize, pictures.length - start);
    const images = await pictures.batch(Array.from({ length: count }, (_, i) => start + i));
    const raw = await rawMaps(images, extractor, branches, rule);
    images.dispose();
    const batch = new Map<string, { values: Float32Array; shape: [number, number, number] }>();
    for (const [name, map] of raw) {
      batch.set(name, { values: (await map.data()) as Float32Array, shape: map.shape });
      map.dispose();
    }
    yield batch;
  }
}

/** Mean and standard deviation of each branch over all pixels it was shown; float64, streaming. */
class ConstantsGatherer {
  readonly #statistics: ReadonlyMap<string, MapStatistics>;

  constructor(branches: readonly BranchModel[]) {
    this.#statistics = new Map(branches.map(({ name }) => [name, new MapStatistics()]));
  }

  add(batch: RawBatch): void {
    for (const [name, { values }] of batch) this.#statistics.get(name)!.add(values);
  }

  result(): Map<string, BranchConstants> {
    return new Map(
      [...this.#statistics].map(([name, { mean, standardDeviation }]) => [name, { mean, standardDeviation }]),
    );
  }
}

/** Mean and standard deviation of each branch's raw map over all pixels of the pictures. */
export async function measureConstants(
  extractor: FeatureExtractor,
  branches: readonly BranchModel[],
  rule: FusionRule,
  pictures: PreparedBatches,
  options: BatchOptions,
): Promise<Map<string, BranchConstants>> {
  const gatherer = new ConstantsGatherer(branches);
  for await (const batch of rawBatches(extractor, branches, rule, pictures, options)) gatherer.add(batch);
  return gatherer.result();
}

async function scoreBatches(
  batches: AsyncIterable<RawBatch> | Iterable<RawBatch>,
  branches: readonly BranchModel[],
  constants: ReadonlyMap<string, BranchConstants>,
  rule: FusionRule,
  signal: AbortSignal | undefined,
): Promise<Calibration> {
  const scores: number[] = [];
  const branchScores = new Map<string, number[]>(branches.map(({ name }) => [name, []]));
  for await (const batch of batches) {
    throwIfAborted(signal);
    const raw = new Map([...batch].map(([name, { values, shape }]) => [name, tf.tensor3d(values, shape)]));
    const scored = await scoreRawMaps(raw, constants, rule);
    tf.dispose([...raw.values()]);
    scores.push(...scored.fused.scores);
    for (const [name, branch] of scored.branches) branchScores.get(name)!.push(...branch.scores);
  }
  return { constants, scores, branchScores };
}

/**
 * The scores that normal pictures get, fused and by branch; with mean and standard deviation of each branch's
 * raw map over all their pixels, unless those are known.
 */
export async function calibrate(
  extractor: FeatureExtractor,
  branches: readonly BranchModel[],
  rule: FusionRule,
  pictures: PreparedBatches,
  { constants, ...options }: CalibrateOptions,
): Promise<Calibration> {
  const batches = rawBatches(extractor, branches, rule, pictures, options);
  if (constants) return scoreBatches(batches, branches, constants, rule, options.signal);
  const gatherer = new ConstantsGatherer(branches);
  const kept: RawBatch[] = [];
  for await (const batch of batches) {
    gatherer.add(batch);
    kept.push(batch);
  }
  return scoreBatches(kept, branches, gatherer.result(), rule, options.signal);
}
