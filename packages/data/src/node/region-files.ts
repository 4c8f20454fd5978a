import type { PixelBuffer } from '@dskd/base';
import type { DefectRegion } from '../samples.js';
import { decodeMask } from './decode.js';

/** The mask of one defect that was looked at. */
export interface RegionFile {
  /** Absolute path. */
  readonly file: string;
  /** Of its bytes. */
  readonly sha256: string;
  readonly defectType: string;
  readonly saturationArea: number;
}

/** Reads the regions of an image, in the order of their files. */
export function loadRegions(regions: readonly RegionFile[]): Promise<DefectRegion[]> {
  return Promise.all(
    regions.map(async ({ file, defectType, saturationArea }) => ({
      mask: await decodeMask(file),
      defectType,
      saturationArea,
    })),
  );
}

/** Reads all that is anomalous in an image: its regions may overlap, and are of one size. */
export async function loadUnion(regions: readonly RegionFile[]): Promise<PixelBuffer> {
  const [first, ...others] = (await loadRegions(regions)).map(({ mask }) => mask);
  const data = Uint8Array.from(first!.data);
  for (const other of others) other.data.forEach((value, pixel) => (data[pixel]! |= value));
  return { ...first!, data };
}
