export type { TeacherFile } from './cell.js';
export { parseConfig, type BenchmarkConfig, type BenchmarkInput } from './config.js';
export { planGrid, type GridCost } from './plan.js';
export type { GridEvent } from './run-grid.js';
export { presentResults } from './node/present-results.js';
export { runBenchmark, type BenchmarkResults } from './node/run-benchmark.js';
export { serveBenchmark } from './node/serve-benchmark.js';
