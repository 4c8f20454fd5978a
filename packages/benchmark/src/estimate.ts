import type { Cell } from './cell.js';
import { canonicalJson } from './identity.js';
import type { Execute, JobCost } from './jobs.js';
import type { Plan } from './plan.js';

/** What a grid costs on this machine, before it starts. */
export interface GridCost {
  readonly cells: number;
  /** Trained already. */
  readonly done: number;
  /** Of the whole run, with so many processes at a time. */
  readonly seconds: number;
  /** At the peak, all processes together. */
  readonly bytes: number;
  readonly processes: number;
}

/** Cells that cost the same but for the number of images. */
function kindOf({ facts }: Cell): string {
  return canonicalJson({ ...facts, category: '', dataFingerprint: '', seed: 0 });
}

/**
 * Measures one step of each kind of training that is still to be done.
 * @param open the cells that are not trained yet.
 */
export async function estimateGrid(
  plan: Plan,
  open: readonly Cell[],
  execute: Execute,
  processes: number,
): Promise<GridCost> {
  const categoryOf = new Map(plan.categories.map((category) => [category.name, category]));
  const kinds = new Map<string, Cell>();
  for (const cell of open) if (!kinds.has(kindOf(cell))) kinds.set(kindOf(cell), cell);
  const costs = new Map<string, JobCost>();
  await Promise.all(
    [...kinds].map(async ([kind, cell]) => {
      const category = categoryOf.get(cell.facts.category)!;
      costs.set(kind, await execute({ kind: 'estimate', cell, category }));
    }),
  );
  let seconds = 0;
  for (const cell of open) {
    const kind = kindOf(cell);
    const { images } = categoryOf.get(cell.facts.category)!;
    const { images: measured } = categoryOf.get(kinds.get(kind)!.facts.category)!;
    const cost = costs.get(kind)!;
    seconds += (cost.seconds * images.train) / measured.train;
    seconds += measured.test === 0 ? 0 : (cost.scoringSeconds * images.test) / measured.test;
  }
  const total = plan.groups.reduce((sum, { cells }) => sum + cells.length, 0);
  const atOnce = Math.min(processes, Math.max(open.length, 1));
  return {
    cells: total,
    done: total - open.length,
    seconds: seconds / atOnce,
    bytes: atOnce * Math.max(0, ...[...costs.values()].map(({ bytes }) => bytes)),
    processes,
  };
}
