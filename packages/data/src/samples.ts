import type { PixelBuffer } from '@dskd/base';

/** What a picture may be used for. */
export type Split = 'train' | 'validation' | 'test';

/** One picture of a source, not yet read. */
export interface Sample {
  /** Path relative to the source's root, with forward slashes; unique within the source. */
  readonly id: string;
  readonly split: Split;
  readonly label: 'good' | 'anomalous';
  /** `'good'`, or the name of the defect (in MVTec AD: of the folder). */
  readonly defectType: string;
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
   * SHA-256 (hex) of ids, splits, labels and file contents: the same for the same data wherever it lies and
   * in whatever order a file system lists it.
   * @throws {DskdError} `aborted`
   */
  fingerprint(options?: { readonly signal?: AbortSignal }): Promise<string>;
}

/** Orders strings by code unit: the same on every machine, whatever its locale. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
