import { existsSync } from 'node:fs';
import path from 'node:path';
import { isDskdError, throwIfAborted } from '@dskd/base';
import { identityOf } from '../cell.js';
import type { GridFailure } from '../run-grid.js';
import type { Execute } from '../job.js';
import type { Plan, PlannedPanels } from '../plan.js';
import type { PanelName } from '../config.js';
import type { CellStore } from './cell-store.js';

/** Increased when the drawing of figures changes. */
const FIGURE_FORMAT = 1;

/** A drawn figure of one category. */
export interface Figure {
  readonly name: PanelName;
  readonly variant: string;
  readonly category: string;
  readonly seed: number;
  /** Path of the PNG, relative to the folder of the results. */
  readonly file: string;
}

interface DrawOptions {
  readonly store: CellStore;
  readonly execute: Execute;
  readonly signal?: AbortSignal | undefined;
}

/** Draws the figures whose students are trained and that do not exist yet. */
export async function drawFigures(
  plan: Pick<Plan, 'panels'>,
  { store, execute, signal }: DrawOptions,
): Promise<{ readonly drawn: Figure[]; readonly failures: GridFailure[] }> {
  const drawn: Figure[] = [];
  const failures: GridFailure[] = [];
  const draw = async ({ name, variant, category, seed, cells }: PlannedPanels): Promise<void> => {
    const records = await Promise.all(cells.map((cell) => store.trained(cell)));
    if (records.includes(undefined)) return;
    const identity = identityOf({ format: FIGURE_FORMAT, cells: cells.map(({ id }) => id) });
    const relative = `figures/${name}-${category.name}-${identity}.png`;
    const file = path.join(store.folder, relative);
    try {
      if (!existsSync(file)) await execute({ kind: 'panels', cells, category, store: store.folder, file });
      drawn.push({ name, variant, category: category.name, seed, file: relative });
    } catch (error) {
      throwIfAborted(signal);
      failures.push({
        what: `${name} of ${category.name}`,
        code: isDskdError(error) ? error.code : 'internal',
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  };
  await Promise.allSettled(plan.panels.map(draw));
  throwIfAborted(signal);
  drawn.sort((a, b) => (a.file < b.file ? -1 : 1));
  return { drawn, failures };
}

const TITLES: Readonly<Record<PanelName, string>> = { fig4: 'Fig. 4', fig5: 'Fig. 5' };

/** Describes the panels of a row. */
export const FIGURE_CAPTION = 'From left to right: image, ground truth, local, global, final';

export function figureTitle({ name, variant, category, seed }: Figure): string {
  const settings = variant === '' ? '' : `, ${variant}`;
  return `${TITLES[name]}: ${category}, seed ${seed}${settings}`;
}

export function figureAsMarkdown(figure: Figure): string {
  return `### ${figureTitle(figure)}\n\n![${FIGURE_CAPTION}](${figure.file})`;
}
