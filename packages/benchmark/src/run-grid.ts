import { isDskdError, throwIfAborted } from '@dskd/base';
import { type Cell, describeCell } from './cell.js';
import type { CellStore } from './node/cell-store.js';
import type { Combination, Execute, Quality } from './job.js';
import { cellsOf, type Group, type Plan } from './plan.js';

/** Progress events of a run. */
export type GridEvent =
  | {
      /** All images of a category that is still to be trained were decoded once. */
      readonly type: 'category-read';
      readonly category: string;
      readonly done: number;
      readonly categories: number;
    }
  | { readonly type: 'grid-start'; readonly cells: number; readonly done: number }
  | {
      readonly type: 'cell-end';
      readonly cell: string;
      readonly description: string;
      readonly done: number;
      readonly cells: number;
    }
  | {
      readonly type: 'cell-failed';
      readonly cell: string;
      readonly description: string;
      readonly reason: string;
    }
  | { readonly type: 'group-end'; readonly category: string; readonly seed: number };

export interface RunOptions {
  readonly store: CellStore;
  readonly execute: Execute;
  readonly onEvent?: (event: GridEvent) => void;
  readonly signal?: AbortSignal;
}

/** A training or an evaluation that failed. */
export interface GridFailure {
  /** The student, or the category and seed whose evaluation failed, as text. */
  readonly what: string;
  readonly code: string;
  readonly reason: string;
}

export interface GridResults {
  /** By the id of the combination; without failed ones. */
  readonly qualities: ReadonlyMap<string, Quality>;
  readonly failures: readonly GridFailure[];
  /** Number of students trained by this run. */
  readonly trained: number;
}

/** Which cells of a plan are already trained. */
export async function progressOf(plan: Plan, store: CellStore): Promise<{ cells: Cell[]; open: Cell[] }> {
  const cells = cellsOf(plan);
  const records = await Promise.all(cells.map((cell) => store.trained(cell)));
  return { cells, open: cells.filter((_, index) => records[index] === undefined) };
}

/**
 * Like `Promise.all`, but waits for all promises before it rejects, so that nothing runs on after the end of a run.
 */
async function allEnded<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

class Run {
  readonly qualities = new Map<string, Quality>();
  readonly failures: GridFailure[] = [];
  trained = 0;
  readonly #options: RunOptions;
  readonly #cells: number;
  #done: number;

  constructor(cells: number, done: number, options: RunOptions) {
    this.#cells = cells;
    this.#done = done;
    this.#options = options;
  }

  /** Trains the missing students of a group, then evaluates the combinations whose students are all trained. */
  async group(group: Group): Promise<void> {
    const { store, onEvent } = this.#options;
    const missing = await this.#withoutResult(group.combinations, store);
    const usable = await allEnded(group.cells.map((cell) => this.#cell(cell, group)));
    const ids = new Set(group.cells.filter((_, index) => usable[index]).map(({ id }) => id));
    const combinations = missing.filter((each) => each.cells.every((id) => ids.has(id)));
    if (combinations.length > 0) await this.#evaluate(group, combinations);
    onEvent?.({ type: 'group-end', category: group.category.name, seed: group.seed });
  }

  async #withoutResult(combinations: readonly Combination[], store: CellStore): Promise<Combination[]> {
    const missing: Combination[] = [];
    for (const combination of combinations) {
      const quality = await store.quality(combination);
      if (quality) this.qualities.set(combination.id, quality);
      else missing.push(combination);
    }
    return missing;
  }

  /** @returns whether the student is trained at the end. */
  async #cell(cell: Cell, { category }: Group): Promise<boolean> {
    const { store, execute, onEvent } = this.#options;
    if (await store.trained(cell)) return true;
    const description = describeCell(cell);
    try {
      await execute({ kind: 'train', cell, category, store: store.folder });
    } catch (error) {
      const { code, reason } = this.#fail(description, error);
      onEvent?.({ type: 'cell-failed', cell: cell.id, description, reason: `${code}: ${reason}` });
      return false;
    }
    this.#done++;
    this.trained++;
    onEvent?.({ type: 'cell-end', cell: cell.id, description, done: this.#done, cells: this.#cells });
    return true;
  }

  async #evaluate({ category, cells, seed }: Group, combinations: readonly Combination[]): Promise<void> {
    const { store, execute } = this.#options;
    const wanted = new Set(combinations.flatMap((each) => each.cells));
    try {
      const qualities = await execute(
        {
          kind: 'evaluate',
          category,
          cells: cells.filter(({ id }) => wanted.has(id)),
          combinations,
          store: store.folder,
        },
        { urgent: true },
      );
      combinations.forEach(({ id }, index) => this.qualities.set(id, qualities[index]!));
    } catch (error) {
      this.#fail(`evaluation of ${category.name}, seed ${seed}`, error);
    }
  }

  /** An abort is not a failure of the cell: it ends the run. */
  #fail(what: string, error: unknown): GridFailure {
    throwIfAborted(this.#options.signal);
    const failure = {
      what,
      code: isDskdError(error) ? error.code : 'internal',
      reason: error instanceof Error ? error.message : String(error),
    };
    this.failures.push(failure);
    return failure;
  }
}

/**
 * Trains and evaluates what is missing in the store. A failed student is reported at the end and prevents only its
 * own combinations.
 * @throws {DskdError} `aborted`; finished work stays in the store.
 */
export async function runGrid(plan: Plan, options: RunOptions): Promise<GridResults> {
  const { store, onEvent, signal } = options;
  throwIfAborted(signal);
  const { cells, open } = await progressOf(plan, store);
  const run = new Run(cells.length, cells.length - open.length, options);
  onEvent?.({ type: 'grid-start', cells: cells.length, done: cells.length - open.length });
  await allEnded(plan.groups.map((group) => run.group(group)));
  throwIfAborted(signal);
  return { qualities: run.qualities, failures: run.failures, trained: run.trained };
}
