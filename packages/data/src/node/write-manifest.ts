import path from 'node:path';
import { DskdError } from '@dskd/base';
import type { ImageSource, Sample } from '../samples.js';
import { manifestFormat } from './manifest.js';
import { COLUMNS, type Column } from './manifest-table.js';
import { writeFileAtomically } from './write-file.js';

function quoted(cell: string): string {
  return /[",;\t\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

function cellsOf(sample: Sample, folder: string): Record<Column, string> {
  const { id, label, split, defectType, origin, maskOrigin } = sample;
  if (sample.loadRegions) {
    throw new DskdError(
      'invalid-argument',
      `The ground truth of ${id} is known defect by defect: a manifest, with one mask an image, cannot say it.`,
      { hint: 'Keep such data, as that of MVTec LOCO AD, in its folders.' },
    );
  }
  if (origin?.file === undefined || (sample.loadMask && maskOrigin?.file === undefined)) {
    throw new DskdError('invalid-argument', `The sample ${id} is no file: a manifest cannot name it.`, {
      hint: 'Only sources of files, such as those of openSource, can be written as a manifest.',
    });
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
 * Writes what `source` was resolved to, as a manifest that `openManifest` reads: the source it gives has the
 * same samples and the same fingerprint. Paths are relative to the manifest.
 * @param file called `.csv`, `.jsonl` or `.ndjson`; written atomically, replaced where it exists.
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
