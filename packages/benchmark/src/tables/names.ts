/** Tables and figures of the paper that can be made again. */
export const TABLE_NAMES = ['table1', 'table2', 'table3', 'table4', 'table5', 'table6', 'fig6'] as const;
export type TableName = (typeof TABLE_NAMES)[number];
