// How long test files take, by their absolute paths. seconds-reporter.cjs adds a line for each run.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SECONDS_FILE } from './seconds-reporter.cjs';

/** Of so many of the latest runs the quickest counts: the others may have been beside other work. */
const RUNS = 3;

/** The latest times of each test; lines that are cut off do not count. */
function readRuns(file) {
  const runs = new Map();
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // No test ran yet.
  }
  for (const line of text.split('\n')) {
    const [, value, test] = /^([\d.]+) (.+)$/.exec(line) ?? [];
    if (test !== undefined) runs.set(test, [...(runs.get(test) ?? []), Number(value)].slice(-RUNS));
  }
  return runs;
}

/** Seconds that each test takes. */
export function readTestSeconds(file = SECONDS_FILE) {
  return new Map([...readRuns(file)].map(([test, values]) => [test, Math.min(...values)]));
}

/** Keeps the lines that count. */
export function compactTestSeconds(file = SECONDS_FILE) {
  const lines = [...readRuns(file)].flatMap(([test, values]) => values.map((value) => `${value} ${test}\n`));
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, lines.join(''));
}
