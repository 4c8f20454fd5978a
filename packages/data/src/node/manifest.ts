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
import { DiskNames } from './disk-names.js';
import { readBytes } from './open-image.js';
import { type CheckOptions, fileSource } from './file-source.js';
import type { FileEntry } from '../layouts/tree.js';
import { LABELS } from '../layouts/labels.js';
import { type Column, COLUMNS, type ManifestRow, readManifestTable } from './manifest-table.js';
import { MaskPairs } from '../layouts/mask-pairs.js';
import { writeFileAtomically } from './write-file.js';

export interface OpenManifestOptions extends CheckOptions {
  /** Path of the manifest: `.csv`, `.jsonl` or `.ndjson`. */
  readonly file: string;
  /** The object whose images are read, if the manifest has a column `object`; needed if it has several. */
  readonly object?: string;
  /** Whether each anomalous image must have a mask. Default `'optional'`. */
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

const SPLIT_NAMES: ReadonlyMap<string, Split> = new Map<string, Split>([
  ['train', 'train'],
  ['training', 'train'],
  ['validation', 'validation'],
  ['val', 'validation'],
  ['valid', 'validation'],
  ['test', 'test'],
  ['testing', 'test'],
]);

/** Paths in a manifest. */
class ManifestPaths {
  readonly #names = new DiskNames();

  constructor(readonly root: string) {}

  /**
   * What the paths of the manifest `file` are relative to: its folder or, if its first image is not there, the folder
   * above, as in VisA, whose lists have a folder of their own.
   */
  static async of(file: string, first: string | undefined): Promise<ManifestPaths> {
    const own = new ManifestPaths(path.dirname(path.resolve(file)));
    const above = new ManifestPaths(path.dirname(own.root));
    if (first === undefined || (await own.#exists(first)) || !(await above.#exists(first))) return own;
    return above;
  }

  /**
   * Converts a path in the manifest to one relative to the root, with forward slashes and the name that the file has on
   * disk.
   */
  async relative(written: string): Promise<string> {
    const file = await this.#names.find(path.resolve(this.root, this.#slashed(written)));
    return path.relative(this.root, file).split(path.sep).join('/');
  }

  async #exists(written: string): Promise<boolean> {
    return existsSync(await this.#names.find(path.resolve(this.root, this.#slashed(written))));
  }

  /** A backslash is a path separator from Windows, unless a file with that name exists. */
  #slashed(written: string): string {
    const isName = path.sep === '/' && written.includes('\\') && existsSync(path.resolve(this.root, written));
    return isName ? written : written.replaceAll('\\', '/');
  }
}

/** Makes entries from the rows of one manifest. */
class ManifestReader {
  readonly pairs: MaskPairs;
  readonly #problems: DatasetProblem[] = [];
  readonly #lines = new Map<string, number>();

  constructor(
    readonly name: string,
    readonly paths: ManifestPaths,
    masks: OpenManifestOptions['masks'],
  ) {
    this.pairs = new MaskPairs(masks);
  }

  get problems(): DatasetProblem[] {
    return [...this.#problems, ...this.pairs.problems];
  }

  async entries(rows: readonly ManifestRow[]): Promise<FileEntry[]> {
    const used = { label: hasColumn(rows, 'label'), split: hasColumn(rows, 'split') };
    const entries: FileEntry[] = [];
    for (const row of rows) {
      const entry = await this.#entry(row, used);
      if (entry) entries.push(entry);
    }
    return entries;
  }

  /** @param used which cells every image must have, because others have them. */
  async #entry(
    { line, cells }: ManifestRow,
    used: { readonly label: boolean; readonly split: boolean },
  ): Promise<FileEntry | undefined> {
    const where = `${this.name}:${line}`;
    const report = (problem: string): void => {
      this.#problems.push({ path: where, problem });
    };
    if (cells.path === undefined) {
      report('names no image: its path is empty');
      return undefined;
    }
    const id = await this.paths.relative(cells.path);
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
    if (label === 'anomalous') {
      if (cells.mask === undefined) this.pairs.missing(id, `the mask of ${id} is missing`, where);
      else this.pairs.found();
    }
    if (earlier !== undefined || label === undefined || split === undefined) return undefined;
    const entry = { id, split, label, defectType: defect, named: `line ${line}` };
    return cells.mask === undefined ? entry : { ...entry, mask: await this.paths.relative(cells.mask) };
  }
}

const hasColumn = (rows: readonly ManifestRow[], column: Column): boolean =>
  rows.some(({ cells }) => cells[column] !== undefined);

/** The rows of one object. @throws a problem's text */
function rowsOf(
  rows: readonly ManifestRow[],
  object: string | undefined,
): { readonly rows: readonly ManifestRow[]; readonly problem?: string } {
  const objects = [...new Set(rows.map(({ cells }) => cells.object))]
    .filter((name) => name !== undefined)
    .sort();
  if (object === undefined) {
    if (objects.length < 2) return { rows };
    return { rows: [], problem: `contains the objects ${objects.join(', ')}; choose one as the category` };
  }
  const own = rows.filter(({ cells }) => cells.object === object);
  if (own.length > 0) return { rows: own };
  const seen = objects.length === 0 ? 'it has no column object' : `it holds ${objects.join(', ')}`;
  return { rows: [], problem: `a list without the category ${object}; ${seen}` };
}

/**
 * Opens a manifest, a list of images. Columns: `path` and optionally `label` (good or anomalous), `split` (train,
 * validation or test), `mask` (path of the ground truth), `defect` (type of defect) and `object` (which of several
 * objects the image shows). Paths are relative to the manifest or to the folder above it, or absolute. Without labels
 * all images are good. Without splits good images are `train` and the others `test`. A label or split that is given
 * for one image must be given for all.
 * @throws {DskdError} `dataset-invalid` with all problems in `details.problems`; `dependency-missing`, `aborted`
 */
export async function openManifest(options: OpenManifestOptions): Promise<ImageSource> {
  const { file, object, masks, ignoreUnknownColumns = false, ...checks } = options;
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
  const name = path.basename(file);
  const table = await readManifestTable(bytes, { name, format, ignoreUnknownColumns });
  const { rows, problem } = rowsOf(table.rows, object);
  if (problem !== undefined) return fail(problem);
  const paths = await ManifestPaths.of(file, rows[0]?.cells.path);
  const reader = new ManifestReader(name, paths, masks);
  const entries = await reader.entries(rows);
  return fileSource({
    root: paths.root,
    name: object ?? file,
    entries,
    problems: [...table.problems, ...reader.problems],
    warnings: reader.pairs.warnings(),
    hint: 'A manifest has the columns path, label, split, mask and defect; only path is required.',
    checks,
  });
}

function quoted(cell: string): string {
  return /[",;\t\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

function cellsOf(sample: Sample, folder: string): Record<(typeof COLUMNS)[number], string> {
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
