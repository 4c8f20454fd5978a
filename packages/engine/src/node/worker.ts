// Entry of a worker thread of an engine.
import { exposeWorker } from './expose-worker.js';
import { EngineWorker } from './worker-api.js';

exposeWorker(new EngineWorker());
