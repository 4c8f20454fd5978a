// What `dskd serve` bears, and how fast it is beside a FastAPI server that does the same in PyTorch.
//
// node bench/server.mjs [load] [peer] [--seconds 30] [--out FILE]   writes bench/results/server.json
// node bench/server-report.mjs                                    writes bench/server.md from it
//
// load: peak; 4 times the peak, sent without waiting; 1,000 uploads that are broken off; ten swaps under load; SIGTERM.
// peer: both servers in turn with 1, 2 and 8 connections. Needs python3-torch, python3-onnx, python3-fastapi and python3-uvicorn of
// Debian. The load comes from the same machine, so it takes part of the cores.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import '@tensorflow/tfjs';
import { selectBackend } from '@dskd/core/backends';
import { trainDetector } from '@dskd/detector';
import { saveDetectorFile } from '@dskd/detector/node';
import { loadTeacher } from '@dskd/models';
import { exportDetector } from '@dskd/onnx';
import { teacherTiny } from '@dskd/teacher-tiny';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import sharp from 'sharp';
import { withDrawnSource } from './drawn-source.mjs';
import { closedLoop, openLoop, pause, probe, send } from './load.mjs';

const HERE = import.meta.dirname;
const CLI = path.join(HERE, '../packages/cli/bin/dskd.js');
const PEERS = path.join(HERE, 'peers');
const WORKERS = 2;
const QUEUE = 16;
const SIDE = 256;
const ROUNDS = 5;
const PEER_PORT = 18_431;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '30' },
    out: { type: 'string', default: path.join(HERE, 'results/server.json') },
  },
});
const SECONDS = Number(options.seconds);
/** Shorter parts, in the proportion of a full run. */
const share = (seconds) => Math.max(2, (seconds * SECONDS) / 30);

/** Trains two detectors of one part, so that their scores differ, and makes an image. */
async function prepare(folder) {
  await selectBackend('wasm');
  registerWasmGradients();
  const tiny = teacherTiny();
  const teacher = await loadTeacher(tiny.name, await tiny.load());
  const counts = { train: 24, validation: 4, test: 8 };
  const files = { model: path.join(folder, 'tray.safetensors') };
  for (const [name, seed] of [
    ['a', 1],
    ['b', 2],
  ]) {
    await withDrawnSource('tray', { size: 512, seed, ...counts }, async (source) => {
      const detector = await trainDetector({
        source,
        teacher,
        method: 'instant',
        seed,
        input: { size: [SIDE, SIDE] },
      });
      files[name] = path.join(folder, `${name}.keep`);
      await saveDetectorFile(detector, files[name]);
      if (name === 'a') {
        files.onnx = path.join(folder, 'tray.onnx');
        await writeFile(files.onnx, await exportDetector(detector));
        const { data, width, height } = await source.samples.find(({ split }) => split === 'test').load();
        files.image = await sharp(data, { raw: { width, height, channels: 3 } })
          .jpeg({ quality: 90 })
          .toBuffer();
      }
      detector.dispose();
    });
  }
  teacher.dispose();
  await copyFile(files.a, files.model);
  return files;
}

/** Starts `dskd serve` and waits until it listens. */
async function startServer(model, ...flags) {
  const child = spawn(process.execPath, [CLI, 'serve', model, '--port', '0', '--workers', String(WORKERS), '--queue', String(QUEUE), ...flags], { stdio: ['ignore', 'pipe', 'inherit'] }); // prettier-ignore
  // Also where this program fails.
  process.on('exit', () => child.kill('SIGTERM'));
  const exited = new Promise((resolve) => child.on('exit', (code, signal) => resolve(code ?? signal)));
  const url = await new Promise((resolve, reject) => {
    void exited.then((code) => reject(new Error(`dskd serve ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = JSON.parse(line);
      if (said.msg === 'listening') resolve(said.url);
    });
  });
  return { url, pid: child.pid, end: () => child.kill('SIGTERM'), exited };
}

async function startPeer(model) {
  const child = spawn(
    '/usr/bin/python3',
    ['-m', 'uvicorn', 'serve_in_torch:app', '--app-dir', PEERS, '--port', String(PEER_PORT), '--workers', String(WORKERS), '--log-level', 'error'], // prettier-ignore
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, MODEL: model, OMP_NUM_THREADS: '1' },
    },
  );
  process.on('exit', () => child.kill('SIGTERM'));
  const url = `http://127.0.0.1:${PEER_PORT}`;
  for (let tries = 0; tries < 300; tries++) {
    if ((await send({ url: `${url}/live`, method: 'GET' })).status === 200)
      return { url, pid: child.pid, end: () => child.kill('SIGTERM') };
    if (child.exitCode !== null) break;
    await pause(200);
  }
  child.kill('SIGTERM');
  throw new Error('The peer did not start.');
}

/** Resident memory in MB. */
function memoryOf(pid) {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Math.round(kilobytes / 1024);
}

/** Seconds of processor time of a process and its children so far. */
function processorTimeOf(pid) {
  const ticks = (id) => {
    const fields = readFileSync(`/proc/${id}/stat`, 'utf8').split(') ')[1].split(' ');
    return Number(fields[11]) + Number(fields[12]);
  };
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean);
  return [pid, ...children].reduce((sum, id) => sum + ticks(id), 0) / 100;
}

function sampled(read, every) {
  const values = [];
  const timer = setInterval(() => values.push(read()), every);
  return () => {
    clearInterval(timer);
    return values;
  };
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function overload(server, request, peak, peakNow) {
  const rate = 4 * peak.okPerSecond;
  const live = probe(`${server.url}/live`);
  const memory = sampled(() => memoryOf(server.pid), 500);
  const before = processorTimeOf(server.pid);
  const result = await openLoop({ ...request, rate, seconds: SECONDS });
  const processor = (1000 * (processorTimeOf(server.pid) - before)) / result.ok;
  const samples = memory();
  const third = Math.ceil(samples.length / 3);
  // Other jobs of the machine come and go: the peak is that before and after.
  const after = await peakNow();
  const peakPerSecond = (peak.okPerSecond + after.okPerSecond) / 2;
  return {
    ratePerSecond: Math.round(rate),
    ...result,
    peakPerSecond: Number(peakPerSecond.toFixed(1)),
    goodput: Number((result.okPerSecond / peakPerSecond).toFixed(3)),
    // Of the server, refusals included: other jobs of the machine do not change it much.
    processorMillisecondsPerAnswer: {
      peak: Number(peak.processor.toFixed(1)),
      overloaded: Number(processor.toFixed(1)),
    },
    // (queue + workers) x the time that a worker takes for an image.
    boundMilliseconds: Math.round(((QUEUE + WORKERS) * 1000 * WORKERS) / result.okPerSecond),
    live: await live(),
    memoryMegabytes: { first: median(samples.slice(0, third)), last: median(samples.slice(-third)) },
  };
}

/** Goodput from short turns of both loads, between which other jobs of the machine do not change much. */
async function goodputInTurns(request, rate) {
  const sums = { peak: [0, 0], overloaded: [0, 0] };
  const connections = WORKERS + QUEUE / 2;
  for (let turn = 0; turn < Math.max(2, Math.round(SECONDS / 4)); turn++) {
    const results = {
      peak: await closedLoop({ ...request, connections, seconds: 4 }),
      overloaded: await openLoop({ ...request, rate, seconds: 4 }),
    };
    for (const [name, { ok, seconds }] of Object.entries(results)) {
      sums[name][0] += ok;
      sums[name][1] += seconds;
    }
  }
  const perSecond = ([ok, seconds]) => Number((ok / seconds).toFixed(2));
  const [peak, overloaded] = [perSecond(sums.peak), perSecond(sums.overloaded)];
  return { peakPerSecond: peak, okPerSecond: overloaded, goodput: Number((overloaded / peak).toFixed(3)) };
}

/** Uploads that end within their head, within their body, and after it. */
async function abort(server, image, count) {
  const { port, hostname } = new URL(server.url);
  const head = `POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: ${image.length}\r\n\r\n`;
  const one = (index) =>
    new Promise((resolve) => {
      const socket = connect(Number(port), hostname, () => {
        if (index % 4 === 0) socket.write(head.slice(0, 40));
        else socket.write(head);
        if (index % 4 === 2) socket.write(image.subarray(0, image.length >> 1));
        if (index % 4 === 3) socket.write(image);
        setTimeout(() => socket.destroy(), index % 10);
      });
      socket.on('error', () => undefined).on('close', resolve);
    });
  for (let start = 0; start < count; start += 50) {
    await Promise.all(Array.from({ length: Math.min(50, count - start) }, (_, index) => one(start + index)));
  }
}

/** Exchanges the file under load, and waits each time until the other version answers. */
async function swaps(server, request, files, count) {
  const scores = new Map();
  const live = probe(`${server.url}/live`);
  const ready = probe(`${server.url}/ready`);
  let isOver = false;
  const onAnswer = ({ status, body }) => {
    if (status !== 200) return;
    const { version, predictions } = JSON.parse(body);
    const seen = scores.get(version) ?? new Map();
    scores.set(version, seen.set(predictions[0].score, (seen.get(predictions[0].score) ?? 0) + 1));
  };
  const versionNow = async () =>
    JSON.parse((await send({ url: `${server.url}/v1/models`, method: 'GET' })).body).models[0].version;
  const load = (async () => {
    const statuses = {};
    while (!isOver) {
      const { statuses: some } = await closedLoop({ ...request, connections: 4, seconds: 1, onAnswer });
      for (const [status, times] of Object.entries(some)) statuses[status] = (statuses[status] ?? 0) + times;
    }
    return statuses;
  })();
  const seconds = [];
  for (let swap = 0; swap < count; swap++) {
    const before = await versionNow();
    const started = performance.now();
    await copyFile(swap % 2 === 0 ? files.b : files.a, `${files.model}.part`);
    await rename(`${files.model}.part`, files.model);
    while ((await versionNow()) === before) {
      if (performance.now() - started > 120_000) throw new Error('The other version did not answer.');
      await pause(50);
    }
    seconds.push(Number(((performance.now() - started) / 1000).toFixed(1)));
  }
  await pause(500);
  isOver = true;
  const statuses = await load;
  return {
    swaps: count,
    seconds,
    statuses,
    scoresOfVersions: Object.fromEntries([...scores].map(([version, seen]) => [version, [...seen.keys()]])),
    live: await live(),
    ready: await ready(),
  };
}

async function load(files) {
  const server = await startServer(files.model);
  const request = {
    url: `${server.url}/v1/predict`,
    body: files.image,
    headers: { 'content-type': 'image/jpeg' },
  };
  const peakNow = async () => {
    const before = processorTimeOf(server.pid);
    const result = await closedLoop({ ...request, connections: WORKERS + QUEUE / 2, seconds: share(10) });
    return { ...result, processor: (1000 * (processorTimeOf(server.pid) - before)) / result.ok };
  };
  await closedLoop({ ...request, connections: 4, seconds: 2 });
  const idle = await closedLoop({ ...request, connections: 1, seconds: share(5) });
  const peak = await peakNow();
  console.log('peak', peak);
  const overloaded = await overload(server, request, peak, peakNow);
  console.log('overload', overloaded);
  const inTurns = await goodputInTurns(request, overloaded.ratePerSecond);
  console.log('in turns', inTurns);
  const beforeAborts = await peakNow();
  await abort(server, files.image, 1000);
  // The server learns of the last ones when their connections are looked at.
  await pause(3000);
  const afterAborts = await peakNow();
  console.log('aborted uploads', beforeAborts.okPerSecond, afterAborts.okPerSecond);
  const swapped = await swaps(server, request, files, Math.max(2, Math.round(SECONDS / 3)));
  console.log('swaps', swapped);
  const { taken } = JSON.parse((await send({ url: `${server.url}/v1/models`, method: 'GET' })).body).models[0]
    .queue;
  // As many as have a place: they are accepted when SIGTERM comes.
  const accepted = Array.from({ length: 8 }, () => send(request));
  await pause(30);
  server.end();
  const answers = (await Promise.all(accepted)).map(({ status }) => status);
  const exitCode = await server.exited;
  return {
    workers: WORKERS,
    queue: QUEUE,
    idle,
    peak,
    overloaded,
    inTurns,
    aborted: {
      uploads: 1000,
      okPerSecond: { before: beforeAborts.okPerSecond, after: afterAborts.okPerSecond },
      processorMillisecondsPerAnswer: {
        before: Number(beforeAborts.processor.toFixed(1)),
        after: Number(afterAborts.processor.toFixed(1)),
      },
      placesTaken: taken,
    },
    swapped,
    ended: { answers, exitCode },
  };
}

async function peer(files) {
  const sides = { dskd: await startServer(files.onnx), fastapi: await startPeer(files.onnx) };
  const request = (name) => ({
    url: `${sides[name].url}${name === 'dskd' ? '/v1/predict' : '/predict'}`,
    body: files.image,
    headers: { 'content-type': 'image/jpeg' },
  });
  const scores = {};
  for (const name of Object.keys(sides)) {
    const answer = JSON.parse((await send(request(name))).body);
    scores[name] = answer.score ?? answer.predictions[0].score;
    await closedLoop({ ...request(name), connections: 4, seconds: 2 });
  }
  const results = [];
  for (const connections of [1, 2, 8]) {
    const rounds = { dskd: [], fastapi: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, list] of Object.entries(rounds)) {
        const before = processorTimeOf(sides[name].pid);
        const result = await closedLoop({ ...request(name), connections, seconds: share(4) });
        list.push({ ...result, processor: (processorTimeOf(sides[name].pid) - before) / result.ok });
      }
    }
    const of = (name) => ({
      okPerSecond: median(rounds[name].map(({ okPerSecond }) => okPerSecond)),
      p50: median(rounds[name].map(({ milliseconds }) => milliseconds.p50)),
      p99: median(rounds[name].map(({ milliseconds }) => milliseconds.p99)),
      processorMilliseconds: Number(
        (1000 * median(rounds[name].map(({ processor }) => processor))).toFixed(1),
      ),
      failed: rounds[name].reduce(
        (sum, { statuses, ok }) => sum + Object.values(statuses).reduce((a, b) => a + b, 0) - ok,
        0,
      ),
    });
    const row = { connections, dskd: of('dskd'), fastapi: of('fastapi') };
    row.ratio = Number((row.dskd.okPerSecond / row.fastapi.okPerSecond).toFixed(2));
    console.log(row);
    results.push(row);
  }
  for (const side of Object.values(sides)) side.end();
  await sides.dskd.exited;
  return { workers: WORKERS, rounds: ROUNDS, scores, results };
}

function machine() {
  const [cpu] = os.cpus();
  return {
    cores: os.availableParallelism(),
    cpu: cpu.model,
    node: process.version,
    loadBefore: os.loadavg().map((value) => Number(value.toFixed(1))),
  };
}

async function measure() {
  const parts = positionals.length === 0 ? ['load', 'peer'] : positionals;
  const folder = await mkdtemp(path.join(os.tmpdir(), 'dskd-server-'));
  const known = existsSync(options.out) ? JSON.parse(await readFile(options.out, 'utf8')) : {};
  try {
    const files = await prepare(folder);
    for (const part of parts) {
      const machineNow = machine();
      const result = await { load, peer }[part](files);
      const command = `node bench/server.mjs ${part}${SECONDS === 30 ? '' : ` --seconds ${SECONDS}`}`;
      known[part] = {
        command,
        date: new Date().toISOString().slice(0, 10),
        machine: machineNow,
        imageBytes: files.image.length,
        side: SIDE,
        ...result,
      };
      await writeFile(options.out, `${JSON.stringify(known, null, 2)}\n`);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

await measure();
process.exit(0);
