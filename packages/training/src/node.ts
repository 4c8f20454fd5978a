export { workerRunner, type WorkerRunnerOptions } from './worker-runner.js';
