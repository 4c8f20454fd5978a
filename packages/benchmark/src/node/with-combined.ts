import { readFile } from 'node:fs/promises';
import type { ImageSource } from '@dskd/data';
import { combineDetectors, loadDetectors, type Detector } from '@dskd/detector';
import type { Teacher } from '@dskd/models';
import type { Cell } from '../cell.js';
import type { CellStore } from './cell-store.js';

export interface CombinedUse {
  readonly store: CellStore;
  readonly source: ImageSource;
  readonly teacher: Teacher;
  readonly signal: AbortSignal;
}

/** Runs `use` on one detector made of the students of `cells`, read from the store; it is gone afterwards. */
export async function withCombined<T>(
  cells: readonly Cell[],
  { store, source, teacher, signal }: CombinedUse,
  use: (detector: Detector) => Promise<T>,
): Promise<T> {
  const files = await Promise.all(cells.map((cell) => readFile(store.studentFile(cell))));
  const detectors = await loadDetectors(files, { teachers: [teacher] });
  let combined: Detector | undefined;
  try {
    if (detectors.length > 1) combined = await combineDetectors(detectors, { source, signal });
    return await use(combined ?? detectors[0]!);
  } finally {
    combined?.dispose();
    for (const detector of detectors) detector.dispose();
  }
}
