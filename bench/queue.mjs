// How fast `dskd queue work` is with 1, 2 and 4 workers, and what a shard costs Redis and the storage.
//
// node bench/queue.mjs [throughput] [costs] [--rounds 3] [--out FILE]   writes bench/results/queue.json and bench/queue.md
//
// throughput: the same images by one process without a queue, and by 1, 2 and 4 workers of one thread each, in turn. Workers have loaded
// the model before the clock starts.
// costs: commands and memory of Redis for a shard, and how many shards a worker takes in a second where there is nothing to compute.
// Needs /usr/bin/redis-server. All workers are on this machine: more of them than it has cores cannot be faster.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import '@tensorflow/tfjs';
import { selectBackend } from '@dskd/core/backends';
import { encodeImage } from '@dskd/data/node';
import { trainDetector } from '@dskd/detector';
import { loadTeacher } from '@dskd/models';
import { makePlan, runShards, submit } from '@dskd/queue';
import { teacherTiny } from '@dskd/teacher-tiny';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { Redis } from 'ioredis';
import { withDrawnSource } from './drawn-source.mjs';
import { writePage } from './write-page.mjs';

const HERE = import.meta.dirname;
const CLI = path.join(HERE, '../packages/cli/bin/dskd.js');
const SIDE = 256;
const SHARD_SIZE = 8;
const SHARDS = 24;
const IDLE_SHARDS = 2000;
const WORKERS = [1, 2, 4];

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    out: { type: 'string', default: path.join(HERE, 'results/queue.json') },
  },
});
const ROUNDS = Number(options.rounds);

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function startRedis(folder) {
  const port = 17_000 + (process.pid % 1000);
  const args = ['--port', String(port), '--appendonly', 'yes', '--save', '', '--dir', folder];
  const child = spawn('/usr/bin/redis-server', [...args, '--maxmemory-policy', 'noeviction'], {
    stdio: 'ignore',
  });
  const client = new Redis({ port, maxRetriesPerRequest: null });
  client.on('error', () => undefined);
  await client.ping();
  return {
    url: `redis://127.0.0.1:${port}`,
    client,
    async end() {
      client.disconnect();
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('close', resolve));
    },
  };
}

/** A detector of 256 px, and images of 512 px, each under several names, so that each shard has a result of its own. */
async function prepare(folder) {
  await selectBackend('wasm');
  registerWasmGradients();
  const tiny = teacherTiny();
  const teacher = await loadTeacher(tiny.name, await tiny.load());
  const files = { images: [], model: undefined };
  await withDrawnSource('tray', { size: 512, seed: 1, train: 24, validation: 4, test: 8 }, async (source) => {
    const input = { size: [SIDE, SIDE] };
    const detector = await trainDetector({ source, teacher, seed: 1, input });
    files.model = detector.save();
    detector.dispose();
    const test = source.samples.filter(({ split }) => split === 'test');
    const encoded = await Promise.all(
      test.slice(0, 8).map(async (sample) => encodeImage(await sample.load())),
    );
    await mkdir(path.join(folder, 'images'));
    for (let index = 0; index < SHARDS * SHARD_SIZE; index++) {
      const file = path.join(folder, 'images', `${String(index).padStart(5, '0')}.png`);
      await writeFile(file, encoded[index % encoded.length]);
      files.images.push(file);
    }
  });
  teacher.dispose();
  return files;
}

class Worker {
  ends = 0;
  last = 0;
  constructor(url) {
    const args = [CLI, 'queue', 'work', '--on', url, '--workers', '1', '--json'];
    this.child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      if (JSON.parse(line).type !== 'work-end') return;
      this.ends++;
      this.last = performance.now();
    });
    this.ended = new Promise((resolve) => this.child.once('close', resolve));
  }
  async end() {
    this.child.kill('SIGTERM');
    const late = setTimeout(() => this.child.kill('SIGKILL'), 30_000);
    await this.ended;
    clearTimeout(late);
  }
}

async function until(holds, seconds = 600) {
  const started = performance.now();
  while (!holds()) {
    if (performance.now() - started > 1000 * seconds) throw new Error(`It took more than ${seconds} s.`);
    await pause(20);
  }
}

const plans = { count: 0 };
const plan = (folder, { model, images }, settings = {}) =>
  makePlan({
    storage: path.join(folder, `shared-${plans.count++}`),
    model,
    images,
    engine: 'onnx',
    shardSize: SHARD_SIZE,
    ...settings,
  });

/** Seconds of processor time of a process so far. */
function processorTimeOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Images in a second by so many workers of a queue, and the processor time of an image. */
async function queued(folder, files, count, { url }) {
  const storage = path.join(folder, `shared-${plans.count++}`);
  const workers = Array.from({ length: count }, () => new Worker(url));
  try {
    // Each loads the model with the first shard that it gets.
    for (let turn = 0; workers.some(({ ends }) => ends === 0); turn++) {
      const few = files.images.slice(0, count);
      const warm = await plan(folder, { ...files, images: few }, { storage, shardSize: 1, minArea: 1 });
      await submit(warm.folder, url);
      const seen = workers.reduce((sum, { ends }) => sum + ends, 0);
      await until(() => workers.reduce((sum, { ends }) => sum + ends, 0) >= seen + warm.shards);
      await rm(path.join(storage, 'results'), { recursive: true });
      if (turn > 50) throw new Error('A worker gets no shard.');
    }
    const before = workers.reduce((sum, { ends }) => sum + ends, 0);
    const main = await plan(folder, files, { storage });
    const processor = () => workers.reduce((sum, { child }) => sum + processorTimeOf(child.pid), 0);
    const processorBefore = processor();
    const started = performance.now();
    await submit(main.folder, url);
    await until(() => workers.reduce((sum, { ends }) => sum + ends, 0) >= before + main.shards);
    const seconds = (Math.max(...workers.map(({ last }) => last)) - started) / 1000;
    return {
      imagesPerSecond: files.images.length / seconds,
      processorMilliseconds: (1000 * (processor() - processorBefore)) / files.images.length,
    };
  } finally {
    for (const worker of workers) await worker.end();
  }
}

/** The same by one process without a queue. */
async function alone(folder, files) {
  const main = await plan(folder, files);
  let started;
  let processor;
  let shards = 0;
  // The first shard loads the model.
  await runShards(main.folder, {
    index: 0,
    count: 1,
    threads: 1,
    onShard: () => {
      started ??= performance.now();
      processor ??= processorTimeOf(process.pid);
      shards++;
    },
  });
  const count = (shards - 1) * SHARD_SIZE;
  return {
    imagesPerSecond: count / ((performance.now() - started) / 1000),
    processorMilliseconds: (1000 * (processorTimeOf(process.pid) - processor)) / count,
  };
}

/** Calls of each command since the statistics were reset. */
async function commandsOf(client) {
  const calls = {};
  for (const [, name, count] of (await client.info('commandstats')).matchAll(
    /^cmdstat_([^:]+):calls=(\d+)/gm,
  ))
    if (!/^(info|config|ping)/.test(name)) calls[name] = Number(count);
  return calls;
}

async function throughput(folder, files, redis) {
  const rates = Object.fromEntries(['alone', ...WORKERS].map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    rates.alone.push(await alone(folder, files));
    for (const count of WORKERS) rates[count].push(await queued(folder, files, count, redis));
    console.log(rates);
  }
  const rows = Object.entries(rates).map(([workers, results]) => {
    const of = (name) => results.map((result) => Number(result[name].toFixed(1)));
    return {
      workers: workers === 'alone' ? 0 : Number(workers),
      imagesPerSecond: median(of('imagesPerSecond')),
      processorMilliseconds: median(of('processorMilliseconds')),
      rounds: of('imagesPerSecond'),
    };
  });
  const one = rows.find(({ workers }) => workers === 1).imagesPerSecond;
  return {
    images: files.images.length,
    shardSize: SHARD_SIZE,
    rounds: ROUNDS,
    rows: rows
      .sort((a, b) => a.workers - b.workers)
      .map((row) => ({ ...row, ratio: Number((row.imagesPerSecond / one).toFixed(2)) })),
  };
}

/** Bytes of all files in a folder. */
async function bytesIn(folder) {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async ({ parentPath, name }) => (await stat(path.join(parentPath, name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function costs(folder, files, { url, client }) {
  const memory = async () => Number(/used_memory:(\d+)/.exec(await client.info('memory'))[1]);
  const images = Array.from(
    { length: IDLE_SHARDS },
    (_, index) => ({ path: `${files.images[index % files.images.length]}`, sha256: String(index).padStart(64, '0') }), // prettier-ignore
  );
  const idle = await plan(folder, { ...files, images }, { shardSize: 1 });
  await client.config('RESETSTAT');
  const before = await memory();
  const started = performance.now();
  await submit(idle.folder, url);
  const submitSeconds = (performance.now() - started) / 1000;
  const waiting = ((await memory()) - before) / IDLE_SHARDS;
  const storage = path.join(idle.folder, '../..');
  // With results that are there a worker has nothing to compute: what remains is the queue.
  const { shards } = JSON.parse(await readFile(path.join(idle.folder, 'plan.json'), 'utf8'));
  for (const name of shards) {
    await mkdir(path.join(storage, 'results', name.slice(0, 2)), { recursive: true });
    await writeFile(path.join(storage, 'results', name.slice(0, 2), `${name}.jsonl`), '');
  }
  await client.config('RESETSTAT');
  const worker = new Worker(url);
  await until(() => worker.ends > 0);
  const first = { ends: worker.ends, at: performance.now() };
  await until(() => worker.ends >= IDLE_SHARDS);
  const shardsPerSecond = (worker.ends - first.ends) / ((worker.last - first.at) / 1000);
  const commands = await commandsOf(client);
  const stats = await client.info('stats');
  await worker.end();
  const of = (name) => Number(new RegExp(`${name}:(\\d+)`).exec(stats)[1]);
  const perShard = Object.fromEntries(
    Object.entries(commands)
      .map(([name, calls]) => [name, Number((calls / IDLE_SHARDS).toFixed(2))])
      .filter(([, calls]) => calls >= 0.05)
      .sort(([, a], [, b]) => b - a),
  );
  const microseconds = await scriptMicroseconds(client);
  // What is stored for real results.
  const real = await plan(folder, files);
  await runShards(real.folder, { index: 0, count: 1, threads: 1 });
  const realStorage = path.join(real.folder, '../..');
  return {
    shards: IDLE_SHARDS,
    submittedPerSecond: Math.round(IDLE_SHARDS / submitSeconds),
    bytesOfAWaitingShard: Math.round(waiting),
    shardsPerSecondOfAWorker: Math.round(shardsPerSecond),
    commandsOfAShard: perShard,
    microsecondsOfRedisPerShard: Number((microseconds / IDLE_SHARDS).toFixed(1)),
    networkBytesPerShard: Math.round(
      (of('total_net_input_bytes') + of('total_net_output_bytes')) / IDLE_SHARDS,
    ),
    storage: {
      images: files.images.length,
      resultBytesPerImage: Math.round(
        (await bytesIn(path.join(realStorage, 'results'))) / files.images.length,
      ),
      planBytesPerImage: Math.round((await bytesIn(path.join(realStorage, 'plans'))) / files.images.length),
    },
  };
}

/** Time that Redis itself spent in scripts, which contain the other commands of a worker. */
async function scriptMicroseconds(client) {
  const [, microseconds] = /^cmdstat_evalsha:calls=\d+,usec=(\d+)/m.exec(await client.info('commandstats'));
  return Number(microseconds);
}

function machine() {
  const [cpu] = os.cpus();
  return {
    cores: os.availableParallelism(),
    cpu: cpu.model,
    node: process.version,
    niceness: os.getPriority(),
    loadBefore: os.loadavg().map((value) => Number(value.toFixed(1))),
  };
}

const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const about = ({ command, machine: { cores, cpu, node, niceness, loadBefore }, date }) =>
  `${cpu}, ${cores} cores, Node ${node}, niceness ${niceness}, load ${loadBefore[0]} before, ${date}: \`${command}\`.`;

function report({ throughput: fast, costs: cost }) {
  const rows = fast.rows.map(({ workers, imagesPerSecond, processorMilliseconds, ratio, rounds }) => [
    workers === 0 ? 'one process, no queue' : `${workers} worker${workers === 1 ? '' : 's'}`,
    imagesPerSecond,
    ratio,
    processorMilliseconds,
    rounds.join(', '),
  ]);
  const { storage } = cost;
  const costRows = [
    ['shards queued in a second', cost.submittedPerSecond],
    ['memory of Redis for a shard that waits', `${cost.bytesOfAWaitingShard} bytes`],
    ['shards that a worker takes in a second where nothing is to be computed', cost.shardsPerSecondOfAWorker],
    ['commands for a shard, of which all but one are in that one, a script', Object.values(cost.commandsOfAShard).reduce((sum, calls) => sum + calls, 0)],
    ['time of Redis for a shard, in scripts', `${cost.microsecondsOfRedisPerShard} µs`],
    ['network of Redis for a shard', `${cost.networkBytesPerShard} bytes`],
    ['result of an image', `${storage.resultBytesPerImage} bytes`],
    ['plan of an image', `${storage.planBytesPerImage} bytes`],
  ]; // prettier-ignore
  return [
    '# Queue',
    '',
    'Made by `node bench/queue.mjs`. Workers, Redis and storage are on one machine: more workers than it has cores cannot be faster, and other jobs took part of the cores where the load before was above 0.',
    '',
    '## Workers',
    '',
    about(fast),
    '',
    `${fast.images} images of 512 px in shards of ${fast.shardSize}, \`instant\` at ${SIDE} px by ONNX Runtime with one thread in each worker. Medians of ${fast.rounds} rounds in turn; the ratio is to one worker. Where other jobs hold the cores, more workers get more of them, and images per second say little; processor time says what an image costs.`,
    '',
    table(['', 'images/s', 'ratio', 'processor ms an image', 'images/s of the rounds'], rows),
    '',
    '## What a shard costs',
    '',
    about(cost),
    '',
    `${cost.shards} shards whose results were there already, so that the queue alone was measured, by one worker.`,
    '',
    table(['what', 'result'], costRows),
    '',
  ].join('\n');
}

const parts = positionals.length === 0 ? ['throughput', 'costs'] : positionals;
const known = existsSync(options.out) ? JSON.parse(await readFile(options.out, 'utf8')) : {};
const folder = await mkdtemp(path.join(os.tmpdir(), 'dskd-queue-'));
const redis = await startRedis(folder);
try {
  const files = await prepare(folder);
  for (const part of parts) {
    const machineNow = machine();
    const result = await { throughput, costs }[part](folder, files, redis);
    known[part] = {
      command: `node bench/queue.mjs ${part}${ROUNDS === 3 ? '' : ` --rounds ${ROUNDS}`}`,
      date: new Date().toISOString().slice(0, 10),
      machine: machineNow,
      ...result,
    };
    writeFileSync(options.out, `${JSON.stringify(known, null, 2)}\n`);
  }
} finally {
  await redis.end();
  await rm(folder, { recursive: true });
}
if (known.throughput && known.costs) {
  await writePage(path.join(HERE, 'queue.md'), report(known));
}
process.exit(0);
