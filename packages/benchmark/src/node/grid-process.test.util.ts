import { planOf } from '../grid.test.util.js';
import { runGrid } from '../run-grid.js';
import { CellStore } from './cell-store.js';
import { ProcessPool } from './process-pool.js';

/**
 * `node grid-process.test.util.js STORE`: a run in a separate process that a test can kill. Prints every finished
 * student.
 */
const store = new CellStore(process.argv[2]!);
const pool = new ProcessPool({
  module: new URL('./fake-worker.test.util.js', import.meta.url),
  // Long enough that it still runs when a test on a busy machine has seen three of twelve end.
  arguments: [store.folder, '1000'],
  processes: 2,
});
await runGrid(planOf({ seeds: [1] }), {
  store,
  execute: pool.execute,
  onEvent: (event) => void process.stdout.write(`${event.type}\n`),
});
