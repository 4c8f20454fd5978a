import { DskdError } from '@dskd/base';
import { fuseScores, type FusionRule } from '@dskd/scoring';

export interface FuseScoredMapsOptions {
  /** Not 0 where a pixel is left out of the maximum; null where none is. */
  readonly ignored?: Uint8Array | null;
  /** The factor of each map, in their order. Default 1. */
  readonly weights?: readonly number[];
  /** Default `sum`. */
  readonly rule?: FusionRule;
}

/**
 * The fused map and its score from maps that are already normalized and smoothed, such as those of the branches of a
 * prediction: fused pixel by pixel in float32, and its maximum.
 * @param maps one per branch, all of the same length, at least one.
 * @throws {DskdError} `invalid-argument` without maps, `shape-mismatch` when lengths differ.
 */
export function fuseScoredMaps(
  maps: readonly Float32Array[],
  { ignored = null, weights = [], rule = 'sum' }: FuseScoredMapsOptions = {},
): { readonly map: Float32Array; readonly score: number } {
  const [first] = maps;
  if (first === undefined) {
    throw new DskdError('invalid-argument', 'Got no branches to fuse; wanted at least one map.');
  }
  const lengths = [...maps.map(({ length }) => length), ...(ignored ? [ignored.length] : [])];
  if (lengths.some((length) => length !== first.length)) {
    throw new DskdError(
      'shape-mismatch',
      `Got maps and mask of ${lengths.join(', ')} pixels; wanted the same size.`,
      { details: { lengths } },
    );
  }
  const factors = maps.map((_, index) => weights[index] ?? 1);
  const map = new Float32Array(first.length);
  const terms = new Float32Array(maps.length);
  for (let pixel = 0; pixel < map.length; pixel++) {
    for (let index = 0; index < maps.length; index++) terms[index] = factors[index]! * maps[index]![pixel]!;
    map[pixel] = fuseScores(rule, terms);
  }
  let score = -Infinity;
  for (let pixel = 0; pixel < map.length; pixel++) {
    if (!ignored?.[pixel] && map[pixel]! > score) score = map[pixel]!;
  }
  return { map, score };
}
