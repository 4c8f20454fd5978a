import { work, type WorkOptions } from './index.js';

/**
 * `node worker-process.test.util.js OPTIONS`: a worker that a test can kill. OPTIONS is JSON of those of `work`. Prints its events as lines
 * of JSON; SIGTERM ends it.
 */
const options = JSON.parse(process.argv[2]!) as WorkOptions;
const controller = new AbortController();
process.on('SIGTERM', () => controller.abort());
await work({
  ...options,
  signal: controller.signal,
  onEvent: (event) => void process.stdout.write(`${JSON.stringify(event)}\n`),
});
