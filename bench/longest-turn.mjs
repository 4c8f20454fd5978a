// How long the event loop is blocked by some work.
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

/** Milliseconds that the main thread was on a processor; NaN where the system does not tell. */
function threadTime() {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
  } catch {
    return NaN;
  }
}

const clocks = () => ({ elapsed: performance.now(), processor: threadTime() });

async function longestOnce(work, times) {
  const longest = { elapsed: 0, processor: 0 };
  let last = clocks();
  let goes = true;
  const turn = () => {
    const now = clocks();
    for (const clock of Object.keys(longest))
      longest[clock] = Math.max(longest[clock], now[clock] - last[clock]);
    last = clocks();
    if (goes) setImmediate(turn);
  };
  setImmediate(turn);
  for (let time = 0; time < times; time++) await work();
  goes = false;
  return longest;
}

const rounded = (value) => (Number.isNaN(value) ? null : Math.round(value * 100) / 100);

/**
 * The longest time between two turns of the event loop while `work` runs four times, in milliseconds. `elapsed` is the least of
 * six trials, because other processes of a shared machine are in it; `processor` the median: what the main thread worked.
 */
export async function longestTurn(work) {
  await work();
  const trials = [];
  for (let trial = 0; trial < 6; trial++) trials.push(await longestOnce(work, 4));
  const sorted = (clock) => trials.map((trial) => trial[clock]).sort((a, b) => a - b);
  return { elapsed: rounded(sorted('elapsed')[0]), processor: rounded(sorted('processor')[3]) };
}
