import type { PixelBuffer } from '@dskd/base';

/** What a picture may be used for. */
export type Split = 'train' | 'validation' | 'test';

/** What a picture or a mask was read from. */
export interface Origin {
  /** Absolute path, where it is a file on a disk. */
  readonly file?: string;
  /** SHA-256 (hex) of the file's bytes, as they were when the source was opened. */
  readonly sha256: string;
}

/** One picture of a source, not yet read. */
export interface Sample {
  /** Path relative to the source's root, with forward slashes; unique within the source. */
  readonly id: string;
  readonly split: Split;
  readonly label: 'good' | 'anomalous';
  /** `'good'`, or the name of the defect (in MVTec AD: of the folder). */
  readonly defectType: string;
  /** The file of the picture, where it comes from one. */
  readonly origin?: Origin;
  /** The file of the mask, where it comes from one. */
  readonly maskOrigin?: Origin;
  /** Reads and decodes the picture: RGB, 3 channels, upright. */
  load(): Promise<PixelBuffer>;
  /**
   * Reads the ground truth, where there is one: 1 channel, upright, as large as the picture, 0 where the
   * part is good and not 0 where it is anomalous.
   */
  loadMask?(): Promise<PixelBuffer>;
}

/** A list of pictures that was checked when it was opened. */
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

/** Orders strings by code unit: the same on every machine, whatever its locale. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
