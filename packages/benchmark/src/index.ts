export { cellOf, describeCell, type Cell, type CellFacts } from './cell.js';
export {
  benchmarkSchema,
  CONFIG_EXAMPLE,
  parseConfig,
  type BenchmarkConfig,
  type BenchmarkInput,
} from './config.js';
export type { GridCost } from './estimate.js';
export type { CategoryFacts, TeacherFile } from './facts.js';
export type { Execute, Job, JobResult } from './jobs.js';
export { planGrid, type Combination, type Group, type Plan, type PlanFacts } from './plan.js';
export type { Quality } from './quality.js';
export { runGrid, type GridEvent, type GridFailure, type GridResults } from './run-grid.js';
export { settingsSchema, type Settings } from './settings.js';
export type { TableDefinition } from './tables/definition.js';
export { fillTable, type FilledRow, type FilledTable, type SeedValue } from './tables/fill-table.js';
export { TABLES } from './tables/index.js';
export {
  PANEL_NAMES,
  RESULT_NAMES,
  TABLE_NAMES,
  type PanelName,
  type ResultName,
  type TableName,
} from './tables/names.js';
export { tableAsMarkdown, tableAsText, tablesAsCsv, type TableText } from './tables/write-tables.js';
export { CellStore } from './node/cell-store.js';
export { doJob } from './node/do-job.js';
export { FIGURE_CAPTION, figureTitle, type Figure } from './node/draw-figures.js';
export { ProcessPool, type ProcessPoolOptions } from './node/process-pool.js';
export { runBenchmark, type BenchmarkOptions, type BenchmarkResults } from './node/run-benchmark.js';
export { serveJobs } from './node/serve-jobs.js';
export { teacherFile } from './node/teachers.js';
