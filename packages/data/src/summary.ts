import { byCodeUnit, SPLITS, type ImageSource, type Sample, type Split } from './samples.js';

/** How many images a source holds of one kind. */
export interface SummaryRow {
  readonly split: Split;
  readonly label: Sample['label'];
  readonly defectType: string;
  readonly images: number;
  /** How many of the images come with a mask. */
  readonly masks: number;
}

/** Counts the images of `source`: train before validation before test, good before the defects by name. */
export function summarize(source: Pick<ImageSource, 'samples'>): SummaryRow[] {
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

/** The rows of {@link summarize} as a table of plain text, no newline at its end. */
export function formatSummary(rows: readonly SummaryRow[]): string {
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
