/** Tables of the paper, and the figure that is one, that can be made again. */
export const TABLE_NAMES = ['table1', 'table2', 'table3', 'table4', 'table5', 'table6', 'fig6'] as const;
export type TableName = (typeof TABLE_NAMES)[number];

/** Figures of images and maps: of MVTec LOCO AD, and of the modified MVTec AD. */
export const PANEL_NAMES = ['fig4', 'fig5'] as const;
export type PanelName = (typeof PANEL_NAMES)[number];

/** All that a config and `dskd reproduce` can name. */
export const RESULT_NAMES = [...TABLE_NAMES, ...PANEL_NAMES] as const;
export type ResultName = (typeof RESULT_NAMES)[number];
