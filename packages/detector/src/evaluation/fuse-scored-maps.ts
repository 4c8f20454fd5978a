import { DskdError } from '@dskd/base';

/**
 * The fused map and its score from maps that are already normalized and smoothed, such as those of the
 * branches of a prediction: their sum pixel by pixel in float32 (Eq. 8), and its maximum.
 * @param maps one per branch, all of the same length, at least one.
 * @param ignored not 0 where a pixel is left out of the maximum; null where none is.
 * @throws {DskdError} `invalid-argument` without maps, `shape-mismatch` when lengths differ.
 */
export function fuseScoredMaps(
  maps: readonly Float32Array[],
  ignored: Uint8Array | null = null,
): { readonly map: Float32Array; readonly score: number } {
  const [first, ...others] = maps;
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
  const map = first.slice();
  for (const other of others) {
    for (let pixel = 0; pixel < map.length; pixel++) map[pixel]! += other[pixel]!;
  }
  let score = -Infinity;
  for (let pixel = 0; pixel < map.length; pixel++) {
    if (!ignored?.[pixel] && map[pixel]! > score) score = map[pixel]!;
  }
  return { map, score };
}
