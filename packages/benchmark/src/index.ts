export type { TeacherFile } from './cell.js';
export {
  CONFIG_EXAMPLE,
  parseConfig,
  RESULT_NAMES,
  type BenchmarkConfig,
  type BenchmarkInput,
  type ResultName,
} from './config.js';
export { planGrid, type GridCost } from './plan.js';
export type { GridEvent } from './run-grid.js';
export { TABLES } from './tables/index.js';
export { tableAsMarkdown, tableAsText } from './tables/write-tables.js';
export { doJob } from './node/do-job.js';
export { FIGURE_CAPTION, figureTitle } from './node/draw-figures.js';
export { runBenchmark, type BenchmarkResults } from './node/run-benchmark.js';
export { serveJobs } from './node/serve-jobs.js';
