import { serveBenchmark } from '@dskd/benchmark';
import { startBackend } from '../../models.js';

/** A worker process of a benchmark: `node worker.js BACKEND`. It receives jobs as messages. */
serveBenchmark(() => startBackend(process.argv[2]!));
