// What the parts of bench/ratios.mjs share: rounds in which all sides take turns, a peer in Python, the line of the machine.
import { spawn } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';

const PEERS = path.join(import.meta.dirname, '../peers');

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

export const machine = () => ({
  cpu: os.cpus()[0].model,
  cores: os.availableParallelism(),
  node: process.version,
  load: Number(os.loadavg()[0].toFixed(2)),
  date: new Date().toISOString().slice(0, 10),
});

/** Seconds of the clock and of the CPU (all threads of this process) that `work` takes, with what it returns. */
export async function timed(work) {
  const begun = performance.now();
  const before = process.cpuUsage();
  const value = await work();
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - begun) / 1000, cpuSeconds: (user + system) / 1e6, value };
}

/** All sides in turn, round after round; each round begins with another side. Rounds before the first warm up. */
export async function takeTurns(sides, { rounds, warmUp = 1 }) {
  const names = Object.keys(sides);
  const times = Object.fromEntries(names.map((name) => [name, { seconds: [], cpuSeconds: [] }]));
  for (let round = -warmUp; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(turn + round + warmUp) % names.length];
      const { seconds, cpuSeconds } = await sides[name]();
      if (round < 0) continue;
      times[name].seconds.push(seconds);
      times[name].cpuSeconds.push(cpuSeconds);
    }
  }
  return Object.fromEntries(
    Object.entries(times).map(([name, { seconds, cpuSeconds }]) => [
      name,
      {
        seconds: Number(median(seconds).toPrecision(4)),
        cpuSeconds: Number(median(cpuSeconds).toPrecision(4)),
        rounds: seconds.map((value) => Number(value.toPrecision(4))),
      },
    ]),
  );
}

/**
 * A script of bench/peers in a process of its own: one line of JSON for each question, after a first line about itself.
 * @param args the last is the number of threads: PyTorch sets it for its own operations, but not for those of OpenBLAS.
 */
export async function startPeer(script, ...args) {
  const threads = String(args.at(-1) ?? 1);
  const child = spawn('/usr/bin/python3', [path.join(PEERS, script), ...args.map(String)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, OPENBLAS_NUM_THREADS: threads, OMP_NUM_THREADS: threads },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`The peer ${script} has ended.`);
    return JSON.parse(value);
  };
  const about = await next();
  return {
    about,
    async ask(question) {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      return next();
    },
    end: () => child.stdin.end(),
  };
}
