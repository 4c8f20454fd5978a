export {
  type CategoryFacts,
  type Cell,
  type CellFacts,
  cellOf,
  describeCell,
  type TeacherFile,
} from './cell.js';
export {
  type BenchmarkConfig,
  type BenchmarkInput,
  benchmarkSchema,
  CONFIG_EXAMPLE,
  PANEL_NAMES,
  type PanelName,
  parseConfig,
  RESULT_NAMES,
  type ResultName,
  type Settings,
  settingsSchema,
  TABLE_NAMES,
  type TableName,
} from './config.js';
export { type Combination, type GridCost, type Group, type Plan, type PlanFacts, planGrid } from './plan.js';
export {
  type Execute,
  type GridEvent,
  type GridFailure,
  type GridResults,
  type Job,
  type JobResult,
  type Quality,
  runGrid,
} from './run-grid.js';
export type { TableDefinition } from './tables/definition.js';
export { fillTable, type FilledRow, type FilledTable, type SeedValue } from './tables/fill-table.js';
export { TABLES } from './tables/index.js';
export { tableAsMarkdown, tableAsText, tablesAsCsv, type TableText } from './tables/write-tables.js';
export { CellStore } from './node/cell-store.js';
export { doJob, teacherFile } from './node/do-job.js';
export { FIGURE_CAPTION, figureTitle, type Figure } from './node/draw-figures.js';
export { ProcessPool, type ProcessPoolOptions } from './node/process-pool.js';
export { runBenchmark, type BenchmarkOptions, type BenchmarkResults } from './node/run-benchmark.js';
export { serveJobs } from './node/serve-jobs.js';
