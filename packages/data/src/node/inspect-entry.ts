import { createHash } from 'node:crypto';
import path from 'node:path';
import { isDskdError, type PixelBuffer } from '@dskd/base';
import { digestOfRegions } from '../fingerprint.js';
import type { FileEntry } from '../layouts/tree.js';
import type { DatasetProblem, DefectRegion } from '../samples.js';
import type { PixelSize } from '../transforms/placement.js';
import { inSlices } from '../turns.js';
import { decodeMask, inspectMask, inspectRegion } from './decode-mask.js';
import { inspectImage, type InspectedImage } from './decode.js';
import { readBytes } from './open-image.js';

/** A type of defect, with the share of a region that must be found for a full score. */
export interface DefectKind {
  readonly name: string;
  /** A fraction of the region's area (if relative), or a number of pixels at the image's own size. */
  readonly saturationThreshold: number;
  readonly relativeSaturation: boolean;
}

/** Types of defects of a category, by the value that marks them in masks. */
export type DefectKinds = ReadonlyMap<number, DefectKind>;

/**
 * Number of pixels of a region that must be found for a full score, computed as in MVTec's evaluation: a relative
 * threshold is truncated to whole pixels, an absolute one is at most the region's area. 0 if a relative threshold is
 * less than one pixel; MVTec's evaluation would then divide by zero.
 */
export function saturationAreaOf(
  { saturationThreshold, relativeSaturation }: DefectKind,
  area: number,
): number {
  if (relativeSaturation) return Math.trunc(saturationThreshold * area);
  return Math.min(saturationThreshold, area);
}

/** The inspected mask of one defect. */
export interface RegionFile {
  /** Absolute path. */
  readonly file: string;
  /** SHA-256 of the file's bytes, hexadecimal. */
  readonly sha256: string;
  readonly defectType: string;
  readonly saturationArea: number;
}

/** Reads the regions of an image, in the order of `regions`. */
export function loadRegions(regions: readonly RegionFile[]): Promise<DefectRegion[]> {
  return Promise.all(
    regions.map(async ({ file, defectType, saturationArea }) => ({
      mask: await decodeMask(file),
      defectType,
      saturationArea,
    })),
  );
}

/** Reads the union of all regions of an image. The regions may overlap and have the same size. */
export async function loadUnion(regions: readonly RegionFile[]): Promise<PixelBuffer> {
  const [first, ...others] = (await loadRegions(regions)).map(({ mask }) => mask);
  const data = Uint8Array.from(first!.data);
  for (const other of others) {
    await inSlices(data.length, (from, end) => {
      for (let pixel = from; pixel < end; pixel++) data[pixel]! |= other.data[pixel]!;
    });
  }
  return { ...first!, data };
}

async function sha256Of(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  await inSlices(bytes.length, (from, end) => {
    hash.update(bytes.subarray(from, end));
  });
  return hash.digest('hex');
}

/** An entry whose files were inspected. */
export interface InspectedEntry extends Omit<FileEntry, 'regions'> {
  readonly sha256: string;
  readonly maskSha256: string;
  readonly regions?: readonly RegionFile[];
  /** What decoding found, where the image was decoded. */
  readonly facts?: InspectedImage['facts'];
}

export interface InspectOptions {
  /** Decodes the image, which also finds damage in its middle. */
  readonly thorough: boolean;
  /** Meaning of the values in the masks of regions, if known. */
  readonly kinds: DefectKinds | undefined;
  readonly report: (problem: DatasetProblem) => void;
}

/** Result of inspecting a file; without `seen` if a problem was found. */
interface Look<T> {
  readonly sha256: string;
  readonly seen?: T;
}

/** Inspects the files of one entry. */
class EntryInspector {
  constructor(
    readonly root: string,
    readonly entry: FileEntry,
    readonly options: InspectOptions,
  ) {}

  tell(where: string, problem: string): void {
    const { named } = this.entry;
    this.options.report({
      path: where,
      problem: named === undefined ? problem : `${problem} (${named})`,
    });
  }

  async look<T>(
    relative: string,
    inspect: (bytes: Uint8Array, name: string) => Promise<T>,
  ): Promise<Look<T>> {
    const file = path.resolve(this.root, relative);
    let sha256 = '';
    try {
      const bytes = await readBytes(file);
      sha256 = await sha256Of(bytes);
      return { sha256, seen: await inspect(bytes, file) };
    } catch (error) {
      if (!isDskdError(error)) throw error;
      this.tell(relative, error.message.replace(`${file}: `, '').replace(/\.$/, ''));
      return { sha256 };
    }
  }

  compareSizes(mask: string, seen: PixelSize | undefined, image: PixelSize | undefined): void {
    if (!seen || !image || (seen.width === image.width && seen.height === image.height)) return;
    this.tell(
      mask,
      `the mask is ${seen.width} x ${seen.height}, its image ${this.entry.id} ${image.width} x ${image.height}`,
    );
  }

  /** @returns the SHA-256 of the mask. */
  async mask(mask: string, size: PixelSize | undefined): Promise<string> {
    const { id, label } = this.entry;
    const { sha256, seen } = await this.look(mask, (bytes, name) => inspectMask(bytes, { name }));
    this.compareSizes(mask, seen, size);
    if (seen && label === 'anomalous' && seen.marked === 0) {
      this.tell(mask, `the mask has no marked pixels, but its image ${id} is anomalous`);
    }
    if (seen && label === 'good' && seen.marked > 0) {
      this.tell(mask, `the mask has ${seen.marked} marked pixels, but its image ${id} is good`);
    }
    return sha256;
  }

  /** @returns undefined if a problem was found. */
  async region(mask: string, size: PixelSize | undefined): Promise<RegionFile | undefined> {
    const { kinds } = this.options;
    const { sha256, seen } = await this.look(mask, (bytes, name) => inspectRegion(bytes, { name }));
    this.compareSizes(mask, seen, size);
    if (!seen || !kinds) return undefined;
    const kind = kinds.get(seen.value);
    if (!kind) {
      const known = [...kinds.keys()].sort((a, b) => a - b).join(', ');
      this.tell(mask, `its value ${seen.value} is not a pixel_value in defects_config.json (${known})`);
      return undefined;
    }
    const saturationArea = saturationAreaOf(kind, seen.area);
    if (saturationArea === 0) {
      this.tell(
        mask,
        `the saturation_threshold ${kind.saturationThreshold} of ${kind.name} is less than one pixel of its area of ${seen.area}; ` +
          'wanted a threshold of at least one pixel, or a larger region',
      );
      return undefined;
    }
    return { file: path.resolve(this.root, mask), sha256, defectType: kind.name, saturationArea };
  }
}

/** Inspects the files of an entry and reports their problems. */
export async function inspectEntry(
  root: string,
  entry: FileEntry,
  options: InspectOptions,
): Promise<InspectedEntry> {
  const { regions: masks, ...rest } = entry;
  const inspector = new EntryInspector(root, entry, options);
  const { sha256, seen } = await inspector.look(rest.id, (bytes, name) =>
    inspectImage(bytes, { name, thorough: options.thorough }),
  );
  const found = seen?.facts && { facts: seen.facts };
  if (!masks) {
    const maskSha256 = rest.mask === undefined ? '' : await inspector.mask(rest.mask, seen);
    return { ...rest, ...found, sha256, maskSha256 };
  }
  const regions: RegionFile[] = [];
  for (const mask of masks) {
    const region = await inspector.region(mask, seen);
    if (region) regions.push(region);
  }
  return { ...rest, ...found, sha256, maskSha256: await digestOfRegions(regions), regions };
}
