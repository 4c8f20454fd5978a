// How long test files took when they last ran, by their absolute paths. seconds-reporter.cjs adds a line for each.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SECONDS_FILE } from './seconds-reporter.cjs';

/** Reads the file; of a test with several lines the last counts, and lines that are cut off do not. */
export function readTestSeconds(file = SECONDS_FILE) {
  const seconds = new Map();
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // No test ran yet.
  }
  for (const line of text.split('\n')) {
    const [, value, test] = /^([\d.]+) (.+)$/.exec(line) ?? [];
    if (test !== undefined) seconds.set(test, Number(value));
  }
  return seconds;
}

/** Keeps one line for each test. */
export function compactTestSeconds(file = SECONDS_FILE) {
  const lines = [...readTestSeconds(file)].map(([test, value]) => `${value} ${test}\n`);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, lines.join(''));
}
