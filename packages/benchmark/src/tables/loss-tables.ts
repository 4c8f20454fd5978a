import type { ObjectiveName } from '../settings.js';
import { subsetColumns, under } from './columns.js';
import type { StudentChoice, TableDefinition } from './definition.js';
import { TABLE_4, TABLE_5 } from './published.js';

/** AU-sPRO first: it is what the paper prints. */
const COLUMNS = subsetColumns('au-spro', 'image-auroc');

/** As the paper abbreviates them, and the flattened cosine of the code it builds on. */
const LOSSES: readonly (readonly [short: string, objective: ObjectiveName])[] = [
  ['Pi', 'perPixelCosine'],
  ['flattened', 'flattenedCosine'],
  ['CA', 'contextualAffinity'],
];

function student(branch: 'local' | 'global', objective: ObjectiveName): StudentChoice {
  const setting = branch === 'local' ? 'localObjective' : 'globalObjective';
  return { branch, change: { [setting]: objective } };
}

const printed = (table: Readonly<Record<string, readonly number[]>>, key: string): Record<string, number> =>
  under(COLUMNS, table[key] ?? []);

const REMARK =
  'Pi: per-pixel cosine; CA: contextual affinity; flattened: the cosine of whole maps in the code of RD, which the ' +
  'paper does not name.';

export const table4: TableDefinition = {
  name: 'table4',
  title: 'Table 4: one student, by loss',
  labels: ['student', 'loss'],
  columns: () => COLUMNS,
  rows: (['local', 'global'] as const).flatMap((branch) =>
    LOSSES.map(([short, objective]) => ({
      label: [branch, short],
      students: [student(branch, objective)],
      published: printed(TABLE_4, `${branch} ${short}`),
    })),
  ),
  others: [],
  remark: REMARK,
};

export const table5: TableDefinition = {
  name: 'table5',
  title: 'Table 5: two students, by their losses',
  labels: ['local loss', 'global loss'],
  columns: () => COLUMNS,
  rows: LOSSES.flatMap(([local, localObjective]) =>
    LOSSES.map(([global, globalObjective]) => ({
      label: [local, global],
      students: [student('local', localObjective), student('global', globalObjective)],
      published: printed(TABLE_5, `${local} ${global}`),
    })),
  ),
  others: [],
  remark: REMARK,
};
