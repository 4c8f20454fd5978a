import type { BranchOutput, BranchTensors, Size } from '@dskd/methods';
import { fuseMaps, fuseScores, imageScores, scoreBranches, type BranchNormalization } from '@dskd/scoring';
import type { DetectorDescription } from '../artifact/description.js';
import * as tf from '@tensorflow/tfjs-core';

/** What one score gives for a batch of images. */
export interface ScoredMaps {
  /** `[batch, height, width]`, row-major; null for a branch without a map. */
  readonly maps: Float32Array | null;
  /** One per image: the maximum of its map, or the normalized score of a branch without one. */
  readonly scores: Float32Array;
}

/** The smoothed, normalized map of each branch, and the fused one, with the image scores. */
export interface ScoredBatch {
  readonly fused: ScoredMaps & { readonly maps: Float32Array };
  readonly branches: ReadonlyMap<string, ScoredMaps>;
}

/** Disposes the maps of a model's outputs. */
export function disposeOutputs(outputs: readonly BranchOutput[]): void {
  for (const { map } of outputs) map?.dispose();
}

/** The image scores of a branch without a map, normalized. */
function normalizedScores(scores: Float32Array, { offset, scale }: BranchNormalization): Float32Array {
  return scores.map((score) => (score - offset) / scale);
}

/** Fused maps of a model whose branches have none: the same everywhere, so no place stands out. */
function flatMaps(images: number, [height, width]: Size): Float32Array {
  return new Float32Array(images * height * width);
}

/** How a model's outputs become scores: the detector's fusion, and the size of its maps. */
export interface Scoring {
  readonly fusion: Pick<DetectorDescription['fusion'], 'sigma' | 'rule' | 'weights'>;
  readonly normalizations: ReadonlyMap<string, BranchNormalization>;
  readonly inputSize: Size;
}

/**
 * Normalizes each branch, brings its map to the size of the input, smooths it over the pixels that count and fuses the maps
 * (Eq. 8, or another rule). A branch without a map joins the image score by the same rule.
 * @param outputs as the model gives them; the caller keeps them.
 * @param ignored one per image: `[height * width]`, not 0 where a pixel does not count, or null where all do.
 */
export async function scoreOutputs(
  outputs: readonly BranchOutput[],
  { fusion, normalizations, inputSize }: Scoring,
  ignored: readonly (Uint8Array | null)[],
): Promise<ScoredBatch> {
  const { sigma, rule, weights } = fusion;
  const raw = new Map<string, tf.Tensor3D>();
  for (const { name, map } of outputs) if (map) raw.set(name, map);
  const own = Object.fromEntries(Object.entries(weights).filter(([name]) => raw.has(name)));
  const scored =
    raw.size > 0
      ? scoreBranches(raw, normalizations, { sigma, size: inputSize, ignored, rule, weights: own })
      : undefined;
  try {
    const fused = scored && (await download(scored.fused));
    const branches = new Map<string, ScoredMaps>();
    const withoutMap: Float32Array[] = [];
    for (const { name, scores } of outputs) {
      const smoothed = scored?.branches.get(name);
      const branch = smoothed
        ? await download(smoothed)
        : { maps: null, scores: normalizedScores(scores!, normalizations.get(name)!) };
      branches.set(name, branch);
      if (!smoothed) withoutMap.push(branch.scores.map((score) => score * (weights[name] ?? 1)));
    }
    const scores = Float32Array.from(ignored, (_, image) =>
      fuseScores(rule, [...(fused ? [fused.scores[image]!] : []), ...withoutMap.map((each) => each[image]!)]),
    );
    return { fused: { maps: fused?.maps ?? flatMaps(ignored.length, inputSize), scores }, branches };
  } finally {
    if (scored) tf.dispose([scored.fused, ...scored.branches.values()]);
  }
}

/** What {@link scoreOutputs} gives, as tensors. The caller disposes them. */
export interface ScoredTensors {
  /** `[batch, height, width]`; null where no branch has a map. */
  readonly map: tf.Tensor3D | null;
  /** `[batch]` */
  readonly scores: tf.Tensor1D;
  readonly branches: readonly BranchTensors[];
}

/**
 * {@link scoreOutputs} by tensor operations alone: no value is read back, and nothing is checked. An export records it.
 * @param outputs disposed by the caller.
 * @param counts `bool` `[batch, height, width]`, false where a pixel does not count; null where all do.
 */
export function scoreTensors(
  outputs: readonly BranchTensors[],
  { fusion, normalizations, inputSize }: Scoring,
  counts: tf.Tensor3D | null,
): ScoredTensors {
  const { sigma, rule, weights } = fusion;
  const maps = new Map(outputs.flatMap(({ name, map }) => (map ? [[name, map] as const] : [])));
  const own = Object.fromEntries(Object.entries(weights).filter(([name]) => maps.has(name)));
  const scored =
    maps.size > 0
      ? scoreBranches(maps, normalizations, {
          sigma,
          size: inputSize,
          ...(counts && { ignored: counts }),
          rule,
          weights: own,
        })
      : undefined;
  const branches = outputs.map(({ name, scores }): Required<BranchTensors> => {
    const map = scored?.branches.get(name) ?? null;
    if (map) return { name, map, scores: tf.max<tf.Tensor1D>(map, [1, 2]) };
    const { offset, scale } = normalizations.get(name)!;
    return { name, map, scores: tf.div<tf.Tensor1D>(tf.sub(scores!, offset), scale) };
  });
  const terms = branches.flatMap(({ name, map, scores }) =>
    map ? [] : [tf.mul<tf.Tensor1D>(scores, weights[name] ?? 1)],
  );
  if (scored) terms.unshift(tf.max<tf.Tensor1D>(scored.fused, [1, 2]));
  // One rule for maps and scores: a score is a map of one pixel.
  const fused = fuseMaps(rule, terms.map((each) => tf.reshape<tf.Rank.R3>(each, [-1, 1, 1]))); // prettier-ignore
  return { map: scored?.fused ?? null, scores: tf.reshape<tf.Rank.R1>(fused, [-1]), branches };
}

async function download(map: tf.Tensor3D): Promise<ScoredBatch['fused']> {
  const scores = await imageScores(map);
  return { maps: (await map.data()) as Float32Array, scores };
}

/**
 * The raw image scores of each branch: the maxima of its smoothed map over the pixels that count, or its own.
 * @param outputs and `ignored` as for {@link scoreOutputs}.
 */
export async function rawImageScores(
  outputs: readonly BranchOutput[],
  { sigma, size }: { readonly sigma: number; readonly size: Size },
  ignored: readonly (Uint8Array | null)[],
): Promise<Map<string, Float32Array>> {
  const scores = new Map<string, Float32Array>();
  for (const { name, map, scores: own } of outputs) {
    if (!map) {
      scores.set(name, own!);
      continue;
    }
    const { fused, branches } = scoreBranches(
      { [name]: map },
      { [name]: { offset: 0, scale: 1 } },
      { sigma, size, ignored },
    );
    scores.set(name, await imageScores(fused).finally(() => tf.dispose([fused, ...branches.values()])));
  }
  return scores;
}
