import { subsetColumns } from './columns.js';
import type { StudentChoice, TableDefinition, TableRow } from './definition.js';
import { TABLE_6 } from './published.js';

const COLUMNS = subsetColumns('au-spro', 'image-auroc');
const PRINTED = 'AU-sPRO mean';

const LOCAL: StudentChoice = { branch: 'local' };

export const table6: TableDefinition = {
  name: 'table6',
  title: 'Table 6: channels g of the global context condensing block',
  labels: ['g / channels of phi'],
  columns: () => COLUMNS,
  rows: TABLE_6.map(([share, value]) => ({
    label: [share === 0 ? 'w/o' : String(share)],
    students: [
      LOCAL,
      { branch: 'global', change: share === 0 ? { gccb: 'none' } : { gccb: 'full', gccbShare: share } },
    ],
    published: { [PRINTED]: value },
  })),
  others: [],
  remark:
    'g as a share of the channels the block is given (2048 in the paper: 512, 768, 1024, 1280, 2048), so that smaller ' +
    'students have the same rows. At a share of 1 there are no 1x1 convolutions.',
};

/** The paper draws a curve and names no values. */
const TEMPERATURES = [0.1, 0.5, 1, 2, 5, 10];

export const fig6: TableDefinition = {
  name: 'fig6',
  title: 'Fig. 6: temperature of the contextual affinity',
  labels: ['temperature'],
  columns: () => COLUMNS,
  rows: TEMPERATURES.map(
    (temperature): TableRow => ({
      label: [String(temperature)],
      students: [LOCAL, { branch: 'global', change: { globalObjective: 'contextualAffinity', temperature } }],
      // Of the curve the one point that Table 1 prints.
      published: temperature === 1 ? { [PRINTED]: 0.73 } : {},
    }),
  ),
  others: [],
};
