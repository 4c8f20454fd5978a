import { DskdError, isDskdError, type ErrorCode, type PixelBuffer } from '@dskd/base';
import type { ImageFacts, IntensityRange } from './intensity.js';

/** Which part of the dataset an image belongs to. */
export type Split = 'train' | 'validation' | 'test';

/** The file that an image or a mask was read from. */
export interface Origin {
  /** Absolute path, if it is a file on disk. */
  readonly file?: string;
  /**
   * SHA-256 (hexadecimal) of the file's bytes when the source was opened; for several files computed as in
   * `ImageSource.fingerprint`.
   */
  readonly sha256: string;
}

/** The ground truth of one defect, separate from other defects of the same image. */
export interface DefectRegion {
  /** 1 channel, upright, same size as the image; not 0 where the defect is. May consist of several components. */
  readonly mask: PixelBuffer;
  /** Type of the defect. */
  readonly defectType: string;
  /** Number of pixels of the region that must be found for a full score: 1 to the region's area. */
  readonly saturationArea: number;
}

/** How a sample is read. */
export interface LoadOptions {
  /** Of 16-bit images the stored values that become 0 and 255. Default: the upper 8 bits are taken. */
  readonly intensityRange?: IntensityRange | undefined;
  /** Is told what a file was found to be. Images in memory need not call it. */
  readonly onFacts?: (facts: ImageFacts) => void;
}

/** One image of a source, not yet read. */
export interface Sample {
  /** Path relative to the source's root, with forward slashes; unique within the source. */
  readonly id: string;
  readonly split: Split;
  readonly label: 'good' | 'anomalous';
  /**
   * `'good'`, or the type of defect: in MVTec AD the name of the folder; in MVTec LOCO AD the subset,
   * `'logical_anomalies'` or `'structural_anomalies'` (its regions have the names of the defects).
   */
  readonly defectType: string;
  /** The file of the image, if it comes from one. */
  readonly origin?: Origin;
  /** The file of the mask, if it comes from one; without `file` if there are several. */
  readonly maskOrigin?: Origin;
  /** Reads and decodes the image: RGB, 3 channels, upright. An image that is mapped by a range says so. */
  load(options?: LoadOptions): Promise<PixelBuffer>;
  /**
   * Reads the ground truth, if there is one: 1 channel, upright, same size as the image, 0 where the part is good and
   * not 0 where it is anomalous.
   */
  loadMask?(): Promise<PixelBuffer>;
  /** Reads the ground truth of each defect, if they have separate masks; `loadMask` then returns the union. */
  loadRegions?(): Promise<DefectRegion[]>;
}

/** A list of images, checked when it was opened. */
export interface ImageSource {
  readonly name: string;
  readonly samples: readonly Sample[];
  /** What was found when it was opened and may be meant so, one sentence each: images without masks, files left out. */
  readonly warnings?: readonly string[];
  /**
   * SHA-256 (hexadecimal) of the contents, splits and labels of the samples; README.md defines the exact form.
   * @throws {DskdError} `aborted`
   */
  fingerprint(options?: { readonly signal?: AbortSignal }): Promise<string>;
}

/** All splits in sort order, training first. */
export const SPLITS: readonly Split[] = ['train', 'validation', 'test'];

/** Type of a defect if the dataset gives none. */
export const UNNAMED_DEFECT = 'defect';

/** Names of the anomalous subsets in MVTec LOCO AD. */
export const LOGICAL = 'logical_anomalies';
export const STRUCTURAL = 'structural_anomalies';

/** Compares strings by code unit, which does not depend on the locale of the machine. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** One problem of a dataset. */
export interface DatasetProblem {
  /** Path of the file or folder, relative to the dataset if it is inside. */
  readonly path: string;
  readonly problem: string;
}

/** Codes of errors of one image. Any other one, such as a missing library, is the same for every image. */
const OF_ONE_IMAGE: ReadonlySet<ErrorCode> = new Set([
  'image-unreadable',
  'file-not-found',
  'dataset-invalid',
  'invalid-argument',
  'shape-mismatch',
]);

/**
 * An error of reading an image as one of its dataset's problems: its message without the name and the full stop.
 * @throws `error` itself, if it is not one of a single image.
 */
export function imageProblem({ id, origin }: Pick<Sample, 'id' | 'origin'>, error: unknown): DatasetProblem {
  if (!isDskdError(error) || !OF_ONE_IMAGE.has(error.code)) throw error;
  const { message } = error;
  const name =
    [`${origin?.file ?? id}: `, `${id}: `, `${id} `].find((each) => message.startsWith(each)) ?? '';
  return { path: id, problem: message.slice(name.length).replace(/\.$/, '') };
}

/** The first few of `paths`, for a message: `a, b, c and 7 more`. */
export function firstFew(paths: readonly string[]): string {
  const shown = paths.slice(0, 3).join(', ');
  return paths.length > 3 ? `${shown} and ${paths.length - 3} more` : shown;
}

const SHOWN = 12;

/**
 * Makes one error from all `problems`. The message shows the first twelve by path, `details.problems` has all.
 * @param more details.
 */
export function datasetError(
  root: string,
  problems: readonly DatasetProblem[],
  hint = 'Fix, move or remove the named files, then start again.',
  more: Readonly<Record<string, unknown>> = {},
): DskdError {
  const sorted = [...problems].sort((a, b) => byCodeUnit(a.path, b.path) || byCodeUnit(a.problem, b.problem));
  const lines = sorted.slice(0, SHOWN).map(({ path, problem }) => `  ${path}: ${problem}`);
  if (sorted.length > SHOWN) lines.push(`  and ${sorted.length - SHOWN} more`);
  const count = sorted.length === 1 ? '1 problem' : `${sorted.length} problems`;
  return new DskdError('dataset-invalid', `The dataset ${root} has ${count}:\n${lines.join('\n')}`, {
    details: { root, problems: sorted, ...more },
    hint,
  });
}

/** Number of images of one split, label and type of defect. */
export interface SummaryRow {
  readonly split: Split;
  readonly label: Sample['label'];
  readonly defectType: string;
  readonly images: number;
  /** Number of these images that have a mask. */
  readonly masks: number;
}

/** Contents of a source. */
export interface Summary {
  /** Sorted: train, validation, test; good before the defects by name. */
  readonly rows: readonly SummaryRow[];
  /** The rows as plain text, without a newline at the end. */
  readonly table: string;
}

/** Counts the images of `source` without reading them. */
export function summarize(source: Pick<ImageSource, 'samples'>): Summary {
  const rows = rowsOf(source);
  return { rows, table: tableOf(rows) };
}

function rowsOf(source: Pick<ImageSource, 'samples'>): SummaryRow[] {
  const rows = new Map<string, { -readonly [K in keyof SummaryRow]: SummaryRow[K] }>();
  for (const sample of source.samples) {
    const { split, label, defectType } = sample;
    const key = JSON.stringify([split, label, defectType]);
    let row = rows.get(key);
    if (!row) rows.set(key, (row = { split, label, defectType, images: 0, masks: 0 }));
    row.images++;
    if (sample.loadMask) row.masks++;
  }
  return [...rows.values()].sort(
    (a, b) =>
      SPLITS.indexOf(a.split) - SPLITS.indexOf(b.split) ||
      Number(a.label !== 'good') - Number(b.label !== 'good') ||
      byCodeUnit(a.defectType, b.defectType),
  );
}

function tableOf(rows: readonly SummaryRow[]): string {
  const total = (column: 'images' | 'masks'): string =>
    String(rows.reduce((sum, row) => sum + row[column], 0));
  const cells = [
    ['split', 'label', 'defect type', 'images', 'masks'],
    ...rows.map((row) => [row.split, row.label, row.defectType, String(row.images), String(row.masks)]),
    ['total', '', '', total('images'), total('masks')],
  ];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  return cells
    .map((line) =>
      line
        .map((cell, column) => (column < 3 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
