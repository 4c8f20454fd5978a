import { evaluateCombinations } from '@dskd/detector';
import { branchName } from '../cell.js';
import type { EvaluateJob } from '../jobs.js';
import type { Combination } from '../plan.js';
import type { Quality } from '../quality.js';
import { CellStore } from './cell-store.js';
import { openCategory, teacherOf } from './train-cell.js';
import { withCombined } from './with-combined.js';

/** Students in memory at a time, as the size of their files: more are scored in several passes over the images. */
const STUDENT_BYTES = 1.5 * 2 ** 30;

/** Combinations in parts, each of which needs no more than `limit` bytes of students, or is one combination. */
export function passesOf(
  combinations: readonly Combination[],
  bytesOf: ReadonlyMap<string, number>,
  limit = STUDENT_BYTES,
): Combination[][] {
  const passes: Combination[][] = [];
  let ids = new Set<string>();
  const total = (all: Iterable<string>): number =>
    [...all].reduce((sum, id) => sum + (bytesOf.get(id) ?? 0), 0);
  for (const combination of combinations) {
    const together = new Set([...ids, ...combination.cells]);
    const fits = passes.length > 0 && total(together) <= limit;
    if (fits) passes.at(-1)!.push(combination);
    else passes.push([combination]);
    ids = fits ? together : new Set(combination.cells);
  }
  return passes;
}

/** Scores the test images with each student once a pass, on the current backend, and keeps what was found. */
export async function evaluateCells(job: EvaluateJob, signal: AbortSignal): Promise<Quality[]> {
  const store = new CellStore(job.store);
  const source = await openCategory(job.category, signal);
  const bytesOf = new Map<string, number>();
  for (const cell of job.cells) bytesOf.set(cell.id, (await store.trained(cell))?.bytes ?? 0);
  const qualities = new Map<string, Quality>();
  const teacher = await teacherOf(job.cells[0]!);
  try {
    for (const pass of passesOf(job.combinations, bytesOf)) {
      const cells = job.cells.filter(({ id }) => pass.some((each) => each.cells.includes(id)));
      const names = new Map(cells.map((cell) => [cell.id, branchName(cell)]));
      const wanted = Object.fromEntries(
        pass.map((each) => [each.id, each.cells.map((id) => names.get(id)!)]),
      );
      const found = await withCombined(cells, { store, source, teacher, signal }, (detector) =>
        evaluateCombinations(detector, source, wanted, { signal }),
      );
      for (const combination of pass) {
        const { imageAuroc, imageAurocByDefect, pixelAuroc, auPro, auSpro } = found[combination.id]!;
        const quality = { imageAuroc, imageAurocByDefect, pixelAuroc, auPro, auSpro };
        await store.finishEvaluation(combination, quality);
        qualities.set(combination.id, quality);
      }
    }
  } finally {
    teacher.dispose();
  }
  return job.combinations.map(({ id }) => qualities.get(id)!);
}
