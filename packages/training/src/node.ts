export { passDskdErrors } from './worker-errors.js';
export { workerRunner, type WorkerRunnerOptions } from './worker-runner.js';
export { WorkerThread, type WorkerThreadOptions } from './worker-thread.js';
