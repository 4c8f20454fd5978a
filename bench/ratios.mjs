// Times of dskd beside PyTorch or NumPy doing the same work, as ratios: all sides take turns in the same rounds.
//
// node bench/ratios.mjs [PART ...] [--rounds N]
//                                    measures parts, each in a process of its own, and writes bench/results/ratios/PART.json
// node bench/ratios.mjs --report     writes bench/ratios.md and the plots from them
//
// Parts are the files of bench/ratios. Needs python3-torch, python3-onnx, python3-numpy and libopenblas0-pthread of Debian.
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machine } from './ratios/turns.mjs';

const PARTS = ['affinity', 'coreset', 'fit', 'step', 'folder', 'spro', 'growth'];
const RESULTS = path.join(import.meta.dirname, 'results/ratios');
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    report: { type: 'boolean', default: false },
    here: { type: 'boolean', default: false },
    rounds: { type: 'string' },
  },
});

async function measureHere(part) {
  const before = machine();
  const { measure } = await import(`./ratios/${part}.mjs`);
  const result = {
    part,
    machine: before,
    ...(await measure(options.rounds ? Number(options.rounds) : undefined)),
  };
  await mkdir(RESULTS, { recursive: true });
  await writeFile(path.join(RESULTS, `${part}.json`), `${JSON.stringify(result, undefined, 2)}\n`);
  console.log(JSON.stringify(result));
}

const unknown = positionals.filter((part) => !PARTS.includes(part));
if (unknown.length > 0) throw new Error(`No part ${unknown.join(', ')}; there are ${PARTS.join(', ')}.`);
if (options.report) {
  const { writeReport } = await import('./ratios/report.mjs');
  await writeReport(RESULTS, path.join(import.meta.dirname, 'ratios.md'));
} else if (options.here) {
  for (const part of positionals) await measureHere(part);
  // Worker threads and peers of a part are of no use any more.
  process.exit(0);
} else {
  const rounds = options.rounds ? ['--rounds', options.rounds] : [];
  for (const part of positionals.length > 0 ? positionals : PARTS)
    execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--here', part, ...rounds], {
      stdio: 'inherit',
    });
}
