import { DskdError, type PixelBuffer } from '@dskd/base';
import type { PixelSize, Sample } from '@dskd/data';

/** A defect in an image's own pixels. */
export interface TrueRegion {
  /** `width * height`, not 0 where the defect is. */
  readonly mask: Uint8Array;
  readonly defectType: string;
  readonly saturationArea: number;
}

/** What is known to be anomalous in an image, in its own pixels. */
export interface GroundTruth {
  /** `width * height`, not 0 where anything is anomalous. */
  readonly mask: Uint8Array;
  /** Defect by defect; undefined where they are not known apart. */
  readonly regions?: readonly TrueRegion[];
}

/** @throws {DskdError} `dataset-invalid` for a mask of another size than the image's. */
function pixelsOf(mask: PixelBuffer, id: string, { width, height }: PixelSize): Uint8Array {
  if (mask.width !== width || mask.height !== height || mask.channels !== 1) {
    throw new DskdError(
      'dataset-invalid',
      `The ground truth of ${id} is ${mask.width} x ${mask.height} with ${mask.channels} channel(s); ` +
        `wanted 1 channel of the image's ${width} x ${height}.`,
      { details: { path: id } },
    );
  }
  const { data } = mask;
  return data instanceof Uint8Array ? data : new Uint8Array(data.buffer, data.byteOffset, data.length);
}

/** @returns undefined where the defects are not known apart. */
async function regionsOf(sample: Sample, size: PixelSize): Promise<TrueRegion[] | undefined> {
  const regions = await sample.loadRegions?.();
  return regions?.map(({ mask, defectType, saturationArea }) => ({
    mask: pixelsOf(mask, sample.id, size),
    defectType,
    saturationArea,
  }));
}

/**
 * Reads the masks of a test image, to find now that one cannot be used.
 * @throws {DskdError} `dataset-invalid`, `image-unreadable`
 */
export async function checkGroundTruth(sample: Sample, size: PixelSize): Promise<void> {
  if (sample.label === 'good' || (await regionsOf(sample, size))) return;
  if (sample.loadMask) pixelsOf(await sample.loadMask(), sample.id, size);
}

/**
 * Reads what is anomalous in a test image: nothing in a good one.
 * @returns undefined where it is not known.
 * @throws {DskdError} `dataset-invalid`, `image-unreadable`
 */
export async function groundTruthOf(sample: Sample, size: PixelSize): Promise<GroundTruth | undefined> {
  const { id, label } = sample;
  const nothing = (): Uint8Array => new Uint8Array(size.width * size.height);
  if (label === 'good') return { mask: nothing(), regions: [] };
  const regions = await regionsOf(sample, size);
  if (regions) {
    const union = nothing();
    for (const { mask } of regions) mask.forEach((value, pixel) => (union[pixel]! |= value));
    return { mask: union, regions };
  }
  if (!sample.loadMask) return undefined;
  return { mask: pixelsOf(await sample.loadMask(), id, size) };
}
