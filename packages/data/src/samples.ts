import type { PixelBuffer } from '@dskd/base';

/** What an image may be used for. */
export type Split = 'train' | 'validation' | 'test';

/** What an image or a mask was read from. */
export interface Origin {
  /** Absolute path, where it is a file on a disk. */
  readonly file?: string;
  /**
   * SHA-256 (hex) of the file's bytes, as they were when the source was opened; of several files, that of
   * `fingerprintSamples`.
   */
  readonly sha256: string;
}

/** The ground truth of one defect, apart from other defects of its image. */
export interface DefectRegion {
  /** 1 channel, upright, as large as the image: not 0 where the defect is. Need not hang together. */
  readonly mask: PixelBuffer;
  /** What kind of defect it is. */
  readonly defectType: string;
  /** How many pixels of the region are to be found for full marks: 1 to the region's area. */
  readonly saturationArea: number;
}

/** One image of a source, not yet read. */
export interface Sample {
  /** Path relative to the source's root, with forward slashes; unique within the source. */
  readonly id: string;
  readonly split: Split;
  readonly label: 'good' | 'anomalous';
  /**
   * `'good'`, or the name of the defect: in MVTec AD of the folder, in MVTec LOCO AD of the subset,
   * `'logical_anomalies'` or `'structural_anomalies'` (its regions have the defects' own names).
   */
  readonly defectType: string;
  /** The file of the image, where it comes from one. */
  readonly origin?: Origin;
  /** The file of the mask, where it comes from one; no `file` where it is several. */
  readonly maskOrigin?: Origin;
  /** Reads and decodes the image: RGB, 3 channels, upright. */
  load(): Promise<PixelBuffer>;
  /**
   * Reads the ground truth, where there is one: 1 channel, upright, as large as the image, 0 where the
   * part is good and not 0 where it is anomalous.
   */
  loadMask?(): Promise<PixelBuffer>;
  /** Reads the ground truth defect by defect, where it is known so; `loadMask` is then the union. */
  loadRegions?(): Promise<DefectRegion[]>;
}

/** A list of images that was checked when it was opened. */
export interface ImageSource {
  readonly name: string;
  readonly samples: readonly Sample[];
  /**
   * SHA-256 (hex) of what the samples hold and what they are for: see `fingerprintSamples`.
   * @throws {DskdError} `aborted`
   */
  fingerprint(options?: { readonly signal?: AbortSignal }): Promise<string>;
}

/** For sorting: what is trained on first. */
export const SPLITS: readonly Split[] = ['train', 'validation', 'test'];

/** Name of a defect that nobody named. */
export const UNNAMED_DEFECT = 'defect';

/** What MVTec LOCO AD calls its anomalous test images. */
export const LOGICAL = 'logical_anomalies';
export const STRUCTURAL = 'structural_anomalies';

/** Orders strings by code unit: the same on every machine, whatever its locale. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
