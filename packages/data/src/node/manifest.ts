import { existsSync } from 'node:fs';
import path from 'node:path';
import { DskdError, isDskdError } from '@dskd/base';
import { extensionOf } from '../image-format.js';
import {
  datasetError,
  type DatasetProblem,
  type ImageSource,
  type Sample,
  type Split,
  UNNAMED_DEFECT,
} from '../samples.js';
import { readBytes } from './open-image.js';
import { type CheckOptions, fileSource } from './file-source.js';
import type { FileEntry } from './inspect-entry.js';
import { type Column, COLUMNS, type ManifestRow, readManifestTable } from './manifest-table.js';
import { writeFileAtomically } from './write-file.js';

export interface OpenManifestOptions extends CheckOptions {
  /** Path of the manifest: `.csv`, `.jsonl` or `.ndjson`. */
  readonly file: string;
  /**
   * Whether each anomalous image must have a mask. Default: all of them or none, so that a forgotten mask is noticed.
   */
  readonly masks?: 'required' | 'optional';
  /** Ignores unknown columns. Default false: they are a problem, because a misspelled name is one. */
  readonly ignoreUnknownColumns?: boolean;
}

const FORMATS: Readonly<Record<string, 'csv' | 'jsonl'>> = {
  '.csv': 'csv',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
};

/** Format of a manifest by its extension; undefined if the file is not a manifest. */
export function manifestFormat(file: string): 'csv' | 'jsonl' | undefined {
  return FORMATS[extensionOf(file)];
}

const LABELS: ReadonlyMap<string, Sample['label']> = new Map([
  ...['good', 'normal', 'ok', '0'].map((name) => [name, 'good'] as const),
  ...['anomalous', 'abnormal', 'anomaly', 'bad', 'defect', 'defective', 'ng', 'nok', '1'].map(
    (name) => [name, 'anomalous'] as const,
  ),
]);

const SPLIT_NAMES: ReadonlyMap<string, Split> = new Map<string, Split>([
  ['train', 'train'],
  ['training', 'train'],
  ['validation', 'validation'],
  ['val', 'validation'],
  ['valid', 'validation'],
  ['test', 'test'],
  ['testing', 'test'],
]);

/** Makes entries from the rows of one manifest. */
class ManifestReader {
  readonly problems: DatasetProblem[] = [];
  readonly #lines = new Map<string, number>();

  constructor(
    readonly root: string,
    readonly name: string,
    readonly masks: OpenManifestOptions['masks'],
  ) {}

  entries(rows: readonly ManifestRow[]): FileEntry[] {
    const has = (column: Column): boolean => rows.some(({ cells }) => cells[column] !== undefined);
    const used = {
      label: has('label'),
      split: has('split'),
      mask: this.masks === undefined ? has('mask') : this.masks === 'required',
    };
    return rows.flatMap((row) => this.#entry(row, used) ?? []);
  }

  /** @param used which cells every image must have, because others have them. */
  #entry(
    { line, cells }: ManifestRow,
    used: { readonly label: boolean; readonly split: boolean; readonly mask: boolean },
  ): FileEntry | undefined {
    const report = (problem: string): void => {
      this.problems.push({ path: `${this.name}:${line}`, problem });
    };
    if (cells.path === undefined) {
      report('names no image: its path is empty');
      return undefined;
    }
    const id = this.#relative(cells.path);
    const earlier = this.#lines.get(id);
    if (earlier !== undefined) report(`names ${id} again; it is already in line ${earlier}`);
    else this.#lines.set(id, line);

    const label = used.label ? LABELS.get(cells.label?.toLowerCase() ?? '') : 'good';
    if (label === undefined) {
      report(
        `${cells.label === undefined ? 'no label' : `unknown label ${JSON.stringify(cells.label)}`}; ` +
          'wanted good or anomalous (the type of defect belongs in the column defect)',
      );
    }
    const byLabel = label === 'anomalous' ? 'test' : 'train';
    const split = used.split ? SPLIT_NAMES.get(cells.split?.toLowerCase() ?? '') : byLabel;
    if (split === undefined) {
      report(
        `${cells.split === undefined ? 'no split' : `unknown split ${JSON.stringify(cells.split)}`}; ` +
          'wanted train, validation or test',
      );
    }
    if (label === 'anomalous' && split === 'train') {
      report('an anomalous image in train; only good ones are trained on');
    }
    const { defect = label === 'anomalous' ? UNNAMED_DEFECT : 'good' } = cells;
    if (label !== undefined && (label === 'good') !== (defect === 'good')) {
      report(`an image labeled ${label} with the defect ${JSON.stringify(defect)}`);
    }
    if (used.mask && label === 'anomalous' && cells.mask === undefined) {
      report(`the mask of ${id} is missing`);
    }
    if (earlier !== undefined || label === undefined || split === undefined) return undefined;
    const entry = { id, split, label, defectType: defect, named: `line ${line}` };
    return cells.mask === undefined ? entry : { ...entry, mask: this.#relative(cells.mask) };
  }

  /** Converts a path in the manifest to one relative to its folder, with forward slashes. */
  #relative(written: string): string {
    // A backslash is a path separator from Windows, unless a file with that name exists.
    const isName = path.sep === '/' && written.includes('\\') && existsSync(path.resolve(this.root, written));
    const slashed = isName ? written : written.replaceAll('\\', '/');
    const relative = path.relative(this.root, path.resolve(this.root, slashed));
    return path.sep === '\\' ? relative.replaceAll('\\', '/') : relative;
  }
}

/**
 * Opens a manifest, a list of images. Columns: `path` and optionally `label` (good or anomalous), `split` (train,
 * validation or test), `mask` (path of the ground truth) and `defect` (type of defect). Paths are relative to the
 * manifest, or absolute. Without labels all images are good. Without splits good images are `train` and the others
 * `test`. A label or split that is given for one image must be given for all.
 * @throws {DskdError} `dataset-invalid` with all problems in `details.problems`; `dependency-missing`, `aborted`
 */
export async function openManifest(options: OpenManifestOptions): Promise<ImageSource> {
  const { file, masks, ignoreUnknownColumns = false, ...checks } = options;
  const format = manifestFormat(file);
  const fail = (problem: string): never => {
    throw datasetError(file, [{ path: file, problem }]);
  };
  if (!format) return fail('not a manifest; wanted a file with the extension .csv, .jsonl or .ndjson');
  let bytes: Uint8Array;
  try {
    bytes = await readBytes(file);
  } catch (error) {
    if (!isDskdError(error)) throw error;
    return fail(error.message.replace(`${file}: `, '').replace(/\.$/, ''));
  }
  const root = path.dirname(path.resolve(file));
  const name = path.basename(file);
  const table = readManifestTable(bytes, { name, format, ignoreUnknownColumns });
  const reader = new ManifestReader(root, name, masks);
  const entries = reader.entries(table.rows);
  return fileSource({
    root,
    name: file,
    entries,
    problems: [...table.problems, ...reader.problems],
    hint: 'A manifest has the columns path, label, split, mask and defect; only path is required.',
    checks,
  });
}

function quoted(cell: string): string {
  return /[",;\t\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

function cellsOf(sample: Sample, folder: string): Record<Column, string> {
  const { id, label, split, defectType, origin, maskOrigin } = sample;
  if (sample.loadRegions) {
    throw new DskdError(
      'invalid-argument',
      `The defects of ${id} have separate masks; a manifest can hold only one mask per image.`,
      { hint: 'Keep such data, for example MVTec LOCO AD, in its folder layout.' },
    );
  }
  if (origin?.file === undefined || (sample.loadMask && maskOrigin?.file === undefined)) {
    throw new DskdError(
      'invalid-argument',
      `The sample ${id} does not come from a file, so a manifest cannot list it.`,
      {
        hint: 'Only sources of files, such as those of openSource, can be written as a manifest.',
      },
    );
  }
  const from = (file: string): string => path.relative(folder, file).split(path.sep).join('/');
  return {
    path: from(origin.file),
    label,
    split,
    mask: maskOrigin?.file === undefined ? '' : from(maskOrigin.file),
    defect: label === 'good' ? '' : defectType,
  };
}

/**
 * Writes the samples of `source` as a manifest. `openSource` reads it back as a source with the same samples and the
 * same fingerprint. Paths are relative to the manifest.
 * @param file with the extension `.csv`, `.jsonl` or `.ndjson`; written atomically; an existing file is replaced.
 * @throws {DskdError} `invalid-argument`
 */
export async function writeManifest(source: Pick<ImageSource, 'samples'>, file: string): Promise<void> {
  const format = manifestFormat(file);
  if (!format) {
    throw new DskdError('invalid-argument', `Got ${file}; wanted a name that ends in .csv or .jsonl.`);
  }
  const folder = path.dirname(path.resolve(file));
  const rows = source.samples.map((sample) => cellsOf(sample, folder));
  const lines =
    format === 'csv'
      ? [COLUMNS.join(','), ...rows.map((row) => COLUMNS.map((column) => quoted(row[column])).join(','))]
      : rows.map((row) =>
          JSON.stringify(Object.fromEntries(Object.entries(row).filter(([, cell]) => cell !== ''))),
        );
  await writeFileAtomically(file, `${lines.join('\n')}\n`);
}
