import type { TableDefinition } from './definition.js';
import { table4, table5 } from './loss-tables.js';
import { table1, table2, table3 } from './method-tables.js';
import type { TableName } from './names.js';
import { fig6, table6 } from './sensitivity-tables.js';

/** The paper's tables, by name. */
export const TABLES: Readonly<Record<TableName, TableDefinition>> = {
  table1,
  table2,
  table3,
  table4,
  table5,
  table6,
  fig6,
};
