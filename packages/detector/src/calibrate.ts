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

export interface CalibrateOptions {
  readonly batchSize: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Mean and standard deviation of each branch's raw map over all pixels of the normal pictures (float64,
 * streaming), then the scores those pictures get with them.
 */
export async function calibrate(
  extractor: FeatureExtractor,
  branches: readonly BranchModel[],
  rule: FusionRule,
  pictures: PreparedBatches,
  { batchSize, signal }: CalibrateOptions,
): Promise<Calibration> {
  const statistics = new Map(branches.map(({ name }) => [name, new MapStatistics()]));
  const kept: Map<string, { values: Float32Array; shape: [number, number, number] }>[] = [];
  for (let start = 0; start < pictures.length; start += batchSize) {
    throwIfAborted(signal);
    const count = Math.min(batchSize, pictures.length - start);
    const images = await pictures.batch(Array.from({ length: count }, (_, i) => start + i));
    const raw = await rawMaps(images, extractor, branches, rule);
    images.dispose();
    const batch = new Map<string, { values: Float32Array; shape: [number, number, number] }>();
    for (const [name, map] of raw) {
      const values = (await map.data()) as Float32Array;
      statistics.get(name)!.add(values);
      batch.set(name, { values, shape: map.shape });
      map.dispose();
    }
    kept.push(batch);
  }

  const constants = new Map<string, BranchConstants>();
  for (const [name, { mean, standardDeviation }] of statistics)
    constants.set(name, { mean, standardDeviation });
  const scores: number[] = [];
  const branchScores = new Map<string, number[]>(branches.map(({ name }) => [name, []]));
  for (const batch of kept) {
    throwIfAborted(signal);
    const raw = new Map([...batch].map(([name, { values, shape }]) => [name, tf.tensor3d(values, shape)]));
    const scored = await scoreRawMaps(raw, constants, rule);
    tf.dispose([...raw.values()]);
    scores.push(...scored.fused.scores);
    for (const [name, branch] of scored.branches) branchScores.get(name)!.push(...branch.scores);
  }
  return { constants, scores, branchScores };
}
