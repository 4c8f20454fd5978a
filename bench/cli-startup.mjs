// node bench/cli-startup.mjs: how long the command line takes to say something, against an empty Node process.
// Medians of 15 runs each, taken in turns, and the fastest (what a busy machine disturbs least); written to bench/results/cli-startup.json.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

const RUNS = 15;
const bin = fileURLToPath(new URL('../packages/cli/bin/dskd.js', import.meta.url));
const cases = {
  'node -e 0': ['-e', '0'],
  'dskd --help': [bin, '--help'],
  'dskd --version': [bin, '--version'],
  'dskd train --help': [bin, 'train', '--help'],
  'dskd train --help-all': [bin, 'train', '--help-all'],
};

const seconds = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
for (let run = 0; run < RUNS; run++) {
  for (const [name, args] of Object.entries(cases)) {
    const start = performance.now();
    execFileSync(process.execPath, args);
    seconds[name].push((performance.now() - start) / 1000);
  }
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const empty = median(seconds['node -e 0']);
const rows = Object.entries(seconds).map(([name, values]) => ({
  command: name,
  seconds: Number(median(values).toFixed(3)),
  fastest: Number(Math.min(...values).toFixed(3)),
  timesEmptyNode: Number((median(values) / empty).toFixed(2)),
}));
console.table(rows);
writeFileSync(
  new URL('results/cli-startup.json', import.meta.url),
  `${JSON.stringify({ runs: RUNS, node: process.version, cpu: os.cpus()[0]?.model, rows }, null, 2)}\n`,
);
