import { throwIfAborted } from '@dskd/base';
import type { FeatureExtractor } from '@dskd/core';
import type { Placement } from '@dskd/data';
import { gatherConstants, type BranchConstants, type ConstantsGatherer } from '@dskd/scoring';
import * as tf from '@tensorflow/tfjs-core';
import type { BranchModel } from './branches.js';
import type { FusionRule } from './fusion-rule.js';
import { ignoredPixels } from './ignored-pixels.js';
import { rawMaps, scoreRawMaps } from './score-maps.js';

/** Pictures of good parts, prepared, in batches: the `PreparedPictures` of `@dskd/data`. */
export interface PreparedBatches {
  readonly length: number;
  /** `[batch, height, width, 3]`, RGB, 0..1; the caller disposes it. */
  batch(indices: readonly number[]): Promise<tf.Tensor4D>;
  /** Where each picture lies in the network's input. */
  placements(indices: readonly number[]): Promise<readonly Placement[]>;
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
  /** `height * width` of the network's input, 1 where pixels count neither for statistics nor for scores. */
  readonly ignored?: Uint8Array | null | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface CalibrateOptions extends BatchOptions {
  /** What normalises each branch, where it is known. Default: what the pictures' own maps give. */
  readonly constants?: ReadonlyMap<string, BranchConstants> | undefined;
}

/** The raw maps of a batch on the host. */
interface RawBatch {
  readonly branches: ReadonlyMap<string, { values: Float32Array; shape: [number, number, number] }>;
  /** One per picture. */
  readonly ignored: readonly (Uint8Array | null)[];
}

async function* rawBatches(
  extractor: FeatureExtractor,
  branches: readonly BranchModel[],
  rule: FusionRule,
  pictures: PreparedBatches,
  { batchSize, ignored, signal }: BatchOptions,
): AsyncGenerator<RawBatch> {
  for (let start = 0; start < pictures.length; start += batchSize) {
    throwIfAborted(signal);
    const count = Math.min(batchSize, pictures.length - start);
    const indices = Array.from({ length: count }, (_, i) => start + i);
    const images = await pictures.batch(indices);
    const raw = await rawMaps(images, extractor, branches, rule);
    images.dispose();
    const maps = new Map<string, { values: Float32Array; shape: [number, number, number] }>();
    for (const [name, map] of raw) {
      maps.set(name, { values: (await map.data()) as Float32Array, shape: map.shape });
      map.dispose();
    }
    const placements = await pictures.placements(indices);
    yield { branches: maps, ignored: placements.map((placed) => ignoredPixels(placed, [ignored])) };
  }
}

/** The values of the pixels that count. */
function counting(values: Float32Array, ignored: RawBatch['ignored']): Float32Array {
  if (ignored.every((mask) => mask === null)) return values;
  const pixels = values.length / ignored.length;
  return values.filter((_, i) => !ignored[Math.floor(i / pixels)]?.[i % pixels]);
}

/** What normalises each branch, of all pixels it was shown. */
class BranchGatherer {
  readonly #gatherers: ReadonlyMap<string, ConstantsGatherer>;

  constructor(branches: readonly BranchModel[], { normalisation }: FusionRule) {
    this.#gatherers = new Map(branches.map(({ name }) => [name, gatherConstants(normalisation)]));
  }

  add({ branches, ignored }: RawBatch): void {
    for (const [name, { values }] of branches) this.#gatherers.get(name)!.add(counting(values, ignored));
  }

  result(): Map<string, BranchConstants> {
    return new Map([...this.#gatherers].map(([name, gatherer]) => [name, gatherer.result()]));
  }
}

/** What normalises each branch's raw map, of all pixels of the pictures that count. */
export async function measureConstants(
  extractor: FeatureExtractor,
  branches: readonly BranchModel[],
  rule: FusionRule,
  pictures: PreparedBatches,
  options: BatchOptions,
): Promise<Map<string, BranchConstants>> {
  const gatherer = new BranchGatherer(branches, rule);
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
    const raw = new Map(
      [...batch.branches].map(([name, { values, shape }]) => [name, tf.tensor3d(values, shape)]),
    );
    const scored = await scoreRawMaps(raw, constants, rule, batch.ignored);
    tf.dispose([...raw.values()]);
    scores.push(...scored.fused.scores);
    for (const [name, branch] of scored.branches) branchScores.get(name)!.push(...branch.scores);
  }
  return { constants, scores, branchScores };
}

/**
 * The scores that normal pictures get, fused and by branch; with what normalises each branch, of all
 * their pixels that count, unless it is known.
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
  const gatherer = new BranchGatherer(branches, rule);
  const kept: RawBatch[] = [];
  for await (const batch of batches) {
    gatherer.add(batch);
    kept.push(batch);
  }
  return scoreBatches(kept, branches, gatherer.result(), rule, options.signal);
}
