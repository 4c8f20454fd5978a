// What `dskd live` does in a long time: memory, and what becomes of alarms while cameras, receivers and brokers go away.
//
// node bench/live.mjs [--minutes 30] [--out FILE] [--leak VALUES]   writes bench/results/live.json; ends with 1 where a check fails
//
// Two runs in one process take 5 frames a second each from ffmpeg's test source: one computes with TensorFlow.js in its own thread, so
// that its tensors can be counted, one with the default engine in a worker. Meanwhile, in turn and over and over: an ffmpeg is killed;
// the webhook is away; the MQTT broker is killed (where mosquitto is installed). --leak keeps so many values of each frame as a tensor,
// to see that the check of the memory fails.
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createSocketServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import '@tensorflow/tfjs';
import { selectBackend } from '@dskd/core/backends';
import { trainDetector } from '@dskd/detector';
import { saveDetectorFile } from '@dskd/detector/node';
import { loadTeacher } from '@dskd/models';
import { teacherTiny } from '@dskd/teacher-tiny';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { connect } from 'mqtt';
import { withDrawnSource } from './drawn-source.mjs';

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    leak: { type: 'string', default: '0' },
    out: { type: 'string', default: path.join(import.meta.dirname, 'results/live.json') },
  },
});
const SECONDS = Number(options.minutes) * 60;
const SOURCE = 'lavfi:testsrc2=size=320x240:rate=5';
/** Seconds between two disturbances. */
const TURN = Math.max(5, Math.min(60, SECONDS / 8));
/** Growth that is allowed from the second quarter to the last one. Noise of the garbage collection is less. */
const LIMITS = { heap: 8e6, rss: 40e6, tensors: 0 };

const killed = [];
const start = (program, args) => {
  const child = spawn(program, args, { stdio: 'ignore' });
  killed.push(child);
  return child;
};
process.on('exit', () => killed.forEach((child) => child.kill('SIGKILL')));

async function freePort() {
  const server = createSocketServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Trains on drawn images: what is scored does not matter here. */
async function trained(folder) {
  await selectBackend('wasm');
  registerWasmGradients();
  const tiny = teacherTiny();
  const teacher = await loadTeacher(tiny.name, await tiny.load());
  const file = path.join(folder, 'tray.safetensors');
  await withDrawnSource('tray', { size: 128, seed: 1, train: 16, validation: 4, test: 2 }, async (source) => {
    const detector = await trainDetector({
      source,
      teacher,
      method: 'instant',
      seed: 1,
      input: { size: [96, 96] },
    });
    await saveDetectorFile(detector, file);
    detector.dispose();
  });
  teacher.dispose();
  return file;
}

/** A receiver of webhooks that can be away. */
async function startReceiver() {
  const port = await freePort();
  const ids = [];
  let server;
  const receiver = {
    url: `http://127.0.0.1:${port}/alarms`,
    ids,
    async up() {
      server = createServer((request, response) => {
        ids.push(request.headers['idempotency-key']);
        request.resume().once('end', () => response.writeHead(204).end());
      }).listen(port, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
    },
    async down() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  await receiver.up();
  return receiver;
}

/** A broker that can be killed, and what a subscriber got from it; undefined where mosquitto is not installed. */
async function startBroker(folder) {
  const program = ['mosquitto', '/usr/sbin/mosquitto'].find((name) => !spawnSync(name, ['-h']).error);
  if (!program) return undefined;
  const port = await freePort();
  const config = path.join(folder, 'mosquitto.conf');
  const lines = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'user root', 'persistence true'];
  lines.push(`persistence_location ${folder}/`, 'autosave_on_changes true', 'autosave_interval 1', '');
  await writeFile(config, lines.join('\n'));
  const url = `mqtt://127.0.0.1:${port}`;
  let child = start(program, ['-c', config]);
  await pause(500);
  const ids = [];
  const subscriber = connect(url, { clientId: 'bench', clean: false, reconnectPeriod: 100 });
  subscriber.on('error', () => undefined);
  subscriber.on('message', (_, payload) => ids.push(JSON.parse(payload).id));
  await new Promise((resolve) => subscriber.once('connect', resolve));
  await subscriber.subscribeAsync('alarms', { qos: 1 });
  return {
    url: `${url}/alarms`,
    ids,
    async restart() {
      child.kill('SIGKILL');
      await pause(3000);
      child = start(program, ['-c', config]);
    },
    async end() {
      await subscriber.endAsync(true);
      child.kill('SIGKILL');
    },
  };
}

/** Ids of the ffmpeg processes of a process. */
function ffmpegOf(pid) {
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' '))
    .filter((id) => id.trim() !== '' && readFileSync(`/proc/${id}/comm`, 'utf8').trim() === 'ffmpeg')
    .map(Number);
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** How much more there is in the last quarter than in the second one: the first one warms up. */
function growth(samples, key) {
  const quarter = Math.floor(samples.length / 4);
  const of = (part) => median(part.map((sample) => sample[key]));
  return of(samples.slice(-quarter)) - of(samples.slice(quarter, 2 * quarter));
}

const folder = await mkdtemp(path.join(os.tmpdir(), 'dskd-live-'));
const receiver = await startReceiver();
const broker = await startBroker(folder);
const out = path.join(folder, 'alarms');
const spec = {
  model: await trained(folder),
  folder,
  seconds: SECONDS,
  sampleSeconds: Math.max(0.5, SECONDS / 180),
  source: SOURCE,
  sinks: [[receiver.url, `folder:${out}`], broker ? [broker.url] : [receiver.url]],
  leak: Number(options.leak),
};
const child = spawn(process.execPath, ['--expose-gc', path.join(import.meta.dirname, 'live-child.mjs'), JSON.stringify(spec)], { stdio: ['ignore', 'pipe', 'inherit'] }); // prettier-ignore
killed.push(child);
const said = [];
createInterface({ input: child.stdout }).on('line', (line) => said.push(JSON.parse(line)));
const ended = new Promise((resolve) => child.once('close', (code) => resolve(code)));
let isOver = false;
void ended.then(() => (isOver = true));

/** Milliseconds from a kill of ffmpeg to the next frame. */
const recovered = [];
const disturbances = [
  async () => {
    const pids = ffmpegOf(child.pid);
    if (pids.length === 0) return;
    const at = Date.now();
    process.kill(pids[recovered.length % pids.length], 'SIGKILL');
    const isOpen = () => said.find((line) => line.type === 'source-opened' && line.at > at);
    for (let tries = 0; tries < 300 && !isOpen(); tries++) await pause(50);
    recovered.push((isOpen()?.at ?? Infinity) - at);
  },
  async () => {
    await receiver.down();
    await pause(Math.min(30, TURN / 2) * 1000);
    await receiver.up();
  },
  async () => broker?.restart(),
];
while (!said.some(({ type }) => type === 'sample') && !isOver) await pause(100);
for (let turn = 0; !isOver; turn++) {
  const last = said.findLast(({ type }) => type === 'sample').seconds;
  // The end is quiet: what is left must be delivered in the time of grace.
  if (last < SECONDS - 2 * TURN) await disturbances[turn % disturbances.length]();
  await Promise.race([pause(TURN * 1000), ended]);
}
const code = await ended;
await pause(500);

const of = (type) => said.filter((line) => line.type === type);
const samples = of('sample').map(({ seconds, rss, heap, tensors, tensorBytes }) => ({
  seconds,
  rss,
  heap,
  tensors,
  tensorBytes,
}));
const alarms = (run) => of('alarm').flatMap((line) => (line.run === run ? [line.id] : []));
const written = (await readdir(out)).filter((name) => name.endsWith('.json'));
const isSame = (got, wanted) => JSON.stringify([...new Set(got)]) === JSON.stringify(wanted);
const grown = Object.fromEntries(['heap', 'rss', 'tensors'].map((key) => [key, growth(samples, key)]));
const checks = {
  endedWell: code === 0,
  memoryIsSteady: Object.entries(grown).every(([key, value]) => value <= LIMITS[key]),
  sourcesCameBackIn5s: recovered.every((milliseconds) => milliseconds < 5000),
  noFrameFailed: of('error').length === 0,
  webhookHasAllInOrder: isSame(receiver.ids.filter((id) => alarms('tfjs').includes(id)), alarms('tfjs')), // prettier-ignore
  folderHasAll: alarms('tfjs').every((id) => written.some((name) => name.endsWith(`${id}.json`))),
  ...(broker && { brokerHasAllInOrder: isSame(broker.ids, alarms('worker')) }),
};
const result = {
  date: new Date().toISOString().slice(0, 10),
  machine: `${os.cpus()[0].model}, ${os.availableParallelism()} cores, Node ${process.version}`,
  minutes: Number(options.minutes),
  engines: of('engine').map(({ run, engine, backend }) => ({ run, engine, backend })),
  summaries: of('summary').map(({ run, summary }) => ({ run, ...summary })),
  recoveredMilliseconds: recovered,
  grown,
  limits: LIMITS,
  checks,
  errors: of('error'),
  samples,
};
await broker?.end();
await receiver.down();
const temporary = `${options.out}.tmp`;
await writeFile(temporary, `${JSON.stringify(result, null, 2)}\n`);
await rename(temporary, options.out);
await rm(folder, { recursive: true });
console.log(JSON.stringify({ grown, checks, recovered, summaries: result.summaries }, null, 2));
process.exitCode = Object.values(checks).every(Boolean) ? 0 : 1;
