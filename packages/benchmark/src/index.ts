export type { CategoryFacts, TeacherFile } from './cell.js';
export {
  CONFIG_EXAMPLE,
  parseConfig,
  RESULT_NAMES,
  type BenchmarkConfig,
  type BenchmarkInput,
  type ResultName,
} from './config.js';
export { planGrid, type GridCost, type Plan, type PlanFacts } from './plan.js';
export type { GridEvent } from './run-grid.js';
export type { Quality } from './job.js';
export type { TableDefinition } from './tables/definition.js';
export { TABLES } from './tables/index.js';
export { tableAsMarkdown, tableAsText, type TableText } from './tables/write-tables.js';
export { doJob } from './node/do-job.js';
export { FIGURE_CAPTION, figureTitle, type Figure } from './node/draw-figures.js';
export { runBenchmark, type BenchmarkOptions, type BenchmarkResults } from './node/run-benchmark.js';
export { serveJobs } from './node/serve-jobs.js';
