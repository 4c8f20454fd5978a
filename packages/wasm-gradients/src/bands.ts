import type { backend_util } from '@tensorflow/tfjs-core';

/** Output rows `firstRow..lastRow` of pictures `firstPicture..lastPicture`: what one partial sum covers. */
export interface Band {
  readonly firstPicture: number;
  readonly lastPicture: number;
  readonly firstRow: number;
  readonly lastRow: number;
}

/** Bands of about equal size that together are all output positions, of at most `positions` where a row fits. */
export function bandsOf(
  { batchSize, outHeight, outWidth }: backend_util.Conv2DInfo,
  positions: number,
): Band[] {
  const rows = Math.max(1, Math.min(outHeight, Math.floor(positions / outWidth)));
  const pictures = rows < outHeight ? 1 : Math.max(1, Math.floor(positions / (outHeight * outWidth)));
  const rowParts = Math.ceil(outHeight / rows);
  const pictureParts = Math.ceil(batchSize / pictures);
  const bands: Band[] = [];
  for (let p = 0; p < pictureParts; p++) {
    for (let r = 0; r < rowParts; r++) {
      bands.push({
        firstPicture: Math.floor((batchSize * p) / pictureParts),
        lastPicture: Math.floor((batchSize * (p + 1)) / pictureParts),
        firstRow: Math.floor((outHeight * r) / rowParts),
        lastRow: Math.floor((outHeight * (r + 1)) / rowParts),
      });
    }
  }
  return bands;
}
