// The process that bench/live.mjs measures: two runs of @dskd/live for SECONDS, one with TensorFlow.js in this thread and one with
// the default engine in a worker. It writes a line of JSON for each sample, for each frame of a source that was opened again, and at
// the end for each summary. Started with --expose-gc; its only argument is a JSON object.
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { selectBackend } from '@dskd/core/backends';
import { openEngine } from '@dskd/engine/node';
import { runLive, parseSink, parseSource } from '@dskd/live/node';

const { model, folder, seconds, sampleSeconds, source, sinks, leak } = JSON.parse(process.argv[2]);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
/** What a leak keeps, where the check is checked. */
const kept = [];

await selectBackend('wasm');
const stop = new AbortController();
const started = performance.now();

const runs = [
  { name: 'tfjs', engine: await openEngine(model, { engine: 'tfjs', workers: 0 }) },
  { name: 'worker', engine: await openEngine(model, { workers: 1, threads: 1 }) },
];
for (const { name, engine } of runs)
  say({ type: 'engine', run: name, engine: engine.info.engine, backend: engine.info.backend });
const summaries = runs.map(({ name, engine }, index) => {
  const line =
    (level) =>
    ({ id, error }, message) => {
      if (message === 'alarm' || message === 'alarm-dropped') say({ type: message, run: name, id });
      if (message === 'source-opened' || message === 'source-failed')
        say({ type: message, run: name, at: Date.now() });
      if (level === 'error' || message === 'frame-failed') say({ type: 'error', run: name, message, error });
    };
  return runLive({
    engine,
    model: name,
    source: parseSource(source),
    sinks: sinks[index].map((address) => parseSink(address, { webhook: 'a secret of at least 16 bytes' })),
    spool: path.join(folder, `spool-${name}`),
    // Every frame is anomalous; an alarm comes every two seconds.
    threshold: -1e9,
    rule: { coolDown: 2000 },
    deliveryBackoff: { firstMs: 250, mostMs: 2000 },
    graceMs: 20_000,
    onFrame: () => leak > 0 && kept.push(tf.zeros([leak])),
    log: { debug() {}, info: line('info'), warn: line('warn'), error: line('error') },
    signal: stop.signal,
  });
});

const sampling = setInterval(() => {
  globalThis.gc();
  const { rss, heapUsed, external } = process.memoryUsage();
  say({
    type: 'sample',
    seconds: Math.round((performance.now() - started) / 1000),
    rss,
    // With what buffers and wasm have outside of the heap of JavaScript.
    heap: heapUsed + external,
    tensors: tf.memory().numTensors,
    tensorBytes: tf.memory().numBytes,
  });
}, sampleSeconds * 1000);
setTimeout(() => stop.abort(), seconds * 1000);
for (const [index, summary] of (await Promise.all(summaries)).entries())
  say({ type: 'summary', run: runs[index].name, summary });
clearInterval(sampling);
for (const { engine } of runs) await engine.dispose();
