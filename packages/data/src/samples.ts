import { DskdError, type PixelBuffer } from '@dskd/base';

/** What an image may be used for. */
export type Split = 'train' | 'validation' | 'test';

/** What an image or a mask was read from. */
export interface Origin {
  /** Absolute path, where it is a file on a disk. */
  readonly file?: string;
  /**
   * SHA-256 (hex) of the file's bytes, as they were when the source was opened; of several files, that of
   * `ImageSource.fingerprint`.
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
   * SHA-256 (hex) of what the samples hold and what they are for; README.md has the exact form.
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

/** One thing wrong with a dataset. */
export interface DatasetProblem {
  /** Of the file or folder, relative to the dataset where it lies inside. */
  readonly path: string;
  readonly problem: string;
}

const SHOWN = 12;

/**
 * All of `problems` as one error. The message shows the first dozen by path, `details.problems` has all.
 */
export function datasetError(
  root: string,
  problems: readonly DatasetProblem[],
  hint = 'Mend, move or remove what is named, then start again.',
): DskdError {
  const sorted = [...problems].sort((a, b) => byCodeUnit(a.path, b.path) || byCodeUnit(a.problem, b.problem));
  const lines = sorted.slice(0, SHOWN).map(({ path, problem }) => `  ${path}: ${problem}`);
  if (sorted.length > SHOWN) lines.push(`  and ${sorted.length - SHOWN} more`);
  const count = sorted.length === 1 ? '1 problem' : `${sorted.length} problems`;
  return new DskdError('dataset-invalid', `The dataset ${root} has ${count}:\n${lines.join('\n')}`, {
    details: { root, problems: sorted },
    hint,
  });
}

/** How many images a source holds of one kind. */
export interface SummaryRow {
  readonly split: Split;
  readonly label: Sample['label'];
  readonly defectType: string;
  readonly images: number;
  /** How many of the images come with a mask. */
  readonly masks: number;
}

/** What a source holds. */
export interface Summary {
  /** Train before validation before test, good before the defects by name. */
  readonly rows: readonly SummaryRow[];
  /** The rows as plain text, no newline at its end. */
  readonly table: string;
}

/** Counts the images of `source`, without reading one. */
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
