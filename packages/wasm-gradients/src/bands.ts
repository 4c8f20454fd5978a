import type { backend_util } from '@tensorflow/tfjs-core';

/** Output rows `firstRow..lastRow` of images `firstImage..lastImage`: what one partial sum covers. */
export interface Band {
  readonly firstImage: number;
  readonly lastImage: number;
  readonly firstRow: number;
  readonly lastRow: number;
}

/** Bands of about equal size that together are all output positions, of at most `positions` where a row fits. */
export function bandsOf(
  { batchSize, outHeight, outWidth }: backend_util.Conv2DInfo,
  positions: number,
): Band[] {
  const rows = Math.max(1, Math.min(outHeight, Math.floor(positions / outWidth)));
  const images = rows < outHeight ? 1 : Math.max(1, Math.floor(positions / (outHeight * outWidth)));
  const rowParts = Math.ceil(outHeight / rows);
  const imageParts = Math.ceil(batchSize / images);
  const bands: Band[] = [];
  for (let p = 0; p < imageParts; p++) {
    for (let r = 0; r < rowParts; r++) {
      bands.push({
        firstImage: Math.floor((batchSize * p) / imageParts),
        lastImage: Math.floor((batchSize * (p + 1)) / imageParts),
        firstRow: Math.floor((outHeight * r) / rowParts),
        lastRow: Math.floor((outHeight * (r + 1)) / rowParts),
      });
    }
  }
  return bands;
}
