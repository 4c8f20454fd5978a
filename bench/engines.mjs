// How long a detector takes by TensorFlow.js (wasm), by ONNX Runtime, and by PyTorch doing the same: the exported graph, run by
// bench/peers/onnx_in_torch.py with Pillow for files; files also by a PatchCore with anomalib's defaults (bench/peers/patchcore_in_torch.py),
// which is what people would use instead. Each side is a process of its own, so that none has the garbage of another to
// collect. All take turns in the same rounds, and before each turn there is a pause: threads of OpenBLAS, OpenMP and ONNX Runtime wait in a
// loop for some time after a computation, and would take the cores of the next side. Times are medians.
//
// node bench/engines.mjs [PART ...]   measures parts and writes them to bench/results/engines.json
// node bench/engines.mjs --report     writes bench/engines.md from it
//
// Parts: network (prepared images of 256 px, methods dskd and instant), file (a JPEG of 1920 x 1080 to its verdict, instant),
// start (cold commands). Needs python3-torch, python3-onnx and libopenblas0-pthread of Debian for the peer.
import { execFile, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import '@tensorflow/tfjs';
import { selectBackend } from '@dskd/core/backends';
import { preparePixels } from '@dskd/data';
import { trainDetector } from '@dskd/detector';
import { saveDetectorFile } from '@dskd/detector/node';
import { loadTeacher } from '@dskd/models';
import { exportDetector } from '@dskd/onnx';
import { teacherTiny } from '@dskd/teacher-tiny';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import sharp from 'sharp';
import { withDrawnSource } from './drawn-source.mjs';
import { writePage } from './write-page.mjs';

const HERE = import.meta.dirname;
const FILE = path.join(HERE, 'results/engines.json');
/** Commands and scripts that are given a model and a number of threads. */
const OWN = [process.execPath, path.join(HERE, 'peers/dskd_scores.mjs')];
const TORCH = ['/usr/bin/python3', path.join(HERE, 'peers/onnx_in_torch.py')];
const PATCHCORE = ['/usr/bin/python3', path.join(HERE, 'peers/patchcore_in_torch.py')];
/** Backbones of the peer: anomalib's default, and the smallest that is in common use. */
const BACKBONES = { patchcoreWide: 'wide_resnet50_2', patchcoreSmall: 'resnet18' };
const CLI = path.join(HERE, '../packages/cli/bin/dskd.js');
const SIDE = 256;
/** Longer than threads wait in a loop: ONNX Runtime's some tens of milliseconds where it is not told to stop. */
const PAUSE_MS = 100;
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { report: { type: 'boolean', default: false }, rounds: { type: 'string', default: '25' } },
});
const ROUNDS = Number(options.rounds);
const run = promisify(execFile);
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const milliseconds = (values) => Number(median(values).toFixed(1));

/** A side in a process of its own, asked by lines. */
async function startSide([command, script], model, threads) {
  const child = spawn(command, [script, model, String(threads)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // PyTorch sets the number of threads for its own operations, but not for those of OpenBLAS.
    env: { ...process.env, OPENBLAS_NUM_THREADS: String(threads), OMP_NUM_THREADS: String(threads) },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const facts = JSON.parse((await lines.next()).value);
  return {
    facts,
    async ask(question) {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      return JSON.parse((await lines.next()).value);
    },
    end: () => child.stdin.end(),
  };
}

/** The sides of one detector. */
async function startSides(detector, folder, method, threads) {
  const [graph, file] = [path.join(folder, `${method}.onnx`), path.join(folder, `${method}.safetensors`)];
  await writeFile(graph, await exportDetector(detector));
  await saveDetectorFile(detector, file);
  return {
    tfjs: await startSide(OWN, file, threads),
    onnx: await startSide(OWN, graph, threads),
    torch: await startSide(TORCH, graph, threads),
  };
}

/** Rounds that do not count: engines compile what is computed often anew. */
const WARM_UP = 10;

/** All in turn, round after round. Each returns the milliseconds it took. */
async function takeTurns(works) {
  const times = Object.fromEntries(Object.keys(works).map((name) => [name, []]));
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    for (const [name, work] of Object.entries(works)) {
      await setTimeout(PAUSE_MS);
      const taken = await work();
      if (round >= 0) times[name].push(taken);
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, values]) => [name, milliseconds(values)]));
}

/** What each side takes to answer a question. */
const answers = (sides, question) =>
  Object.fromEntries(
    Object.entries(sides).map(([name, side]) => [
      name,
      async () => 1000 * (await side.ask(question)).seconds[0],
    ]),
  );

/** Milliseconds that `work` takes. */
const timed = (work) => async () => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};

async function train(source, teacher, method) {
  // What a network computes takes as long whatever it has learned.
  const quick = method === 'dskd' ? { options: { epochs: 1 } } : {};
  return trainDetector({ source, teacher, method, seed: 1, input: { size: [SIDE, SIDE] }, ...quick });
}

const PREPARED = { height: SIDE, width: SIDE, fit: 'stretch' };

async function network(detector, folder, method, image) {
  const raw = path.join(folder, 'prepared.raw');
  await writeFile(raw, preparePixels(image, PREPARED).data);
  const question = { bytes: raw, count: 1 };
  const [one, two] = [
    await startSides(detector, folder, method, 1),
    await startSides(detector, folder, method, 2),
  ];
  const numbered = (sides, threads) =>
    Object.fromEntries(Object.entries(sides).map(([name, side]) => [`${name}${threads}`, side]));
  const milliseconds = await takeTurns(answers({ ...numbered(one, 1), ...numbered(two, 2) }, question));
  const scores = {};
  for (const [name, side] of Object.entries(one)) scores[name] = (await side.ask(question)).score[0];
  for (const side of [...Object.values(one), ...Object.values(two)]) side.end();
  const { size: bytes } = await stat(path.join(folder, `${method}.onnx`));
  return { method, side: SIDE, milliseconds, scores, bytes, torch: one.torch.facts.torch };
}

async function file(detector, folder, jpeg) {
  const results = {};
  for (const threads of [1, 2]) {
    const sides = await startSides(detector, folder, 'instant', threads);
    for (const [name, backbone] of Object.entries(BACKBONES))
      sides[name] = await startSide(PATCHCORE, backbone, threads);
    results[threads] = await takeTurns(answers(sides, { file: jpeg }));
    for (const side of Object.values(sides)) side.end();
  }
  return results;
}

async function start(detector, folder, jpeg) {
  const model = path.join(folder, 'model.safetensors');
  await saveDetectorFile(detector, model);
  const command = (...args) => timed(() => run(process.execPath, [CLI, ...args]));
  return takeTurns({
    node: timed(() => run(process.execPath, ['--version'])),
    help: command('--help'),
    predict: command('predict', model, jpeg),
  });
}

async function measure(parts) {
  await selectBackend('wasm');
  registerWasmGradients();
  const { name, load } = teacherTiny();
  const teacher = await loadTeacher(name, await load());
  const folder = await mkdtemp(path.join(os.tmpdir(), 'dskd-engines-'));
  const results = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {};
  const machine = () => ({
    cpu: os.cpus()[0].model,
    cores: os.availableParallelism(),
    node: process.version,
    load: Number(os.loadavg()[0].toFixed(2)),
    date: new Date().toISOString().slice(0, 10),
  });
  try {
    await withDrawnSource(
      'tray',
      { train: 100, validation: 4, test: 4, size: SIDE, seed: 101 },
      async (source) => {
        const image = await source.samples.find(({ split }) => split === 'test').load();
        const jpeg = path.join(folder, 'large.jpg');
        const { data, width, height } = image;
        await sharp(data, { raw: { width, height, channels: 3 } })
          .resize(1920, 1080, { fit: 'fill' })
          .jpeg({ quality: 90 })
          .toFile(jpeg);
        const detectors = {};
        const detectorOf = async (method) => (detectors[method] ??= await train(source, teacher, method));
        for (const part of parts) {
          console.log(part);
          const before = machine();
          if (part === 'network') {
            results.network = { machine: before, rows: [] };
            for (const method of ['dskd', 'instant'])
              results.network.rows.push(await network(await detectorOf(method), folder, method, image));
          } else if (part === 'file') {
            results.file = {
              machine: before,
              threads: await file(await detectorOf('instant'), folder, jpeg),
            };
          } else {
            results.start = {
              machine: before,
              milliseconds: await start(await detectorOf('instant'), folder, jpeg),
            };
          }
          await writeFile(FILE, `${JSON.stringify(results, undefined, 2)}\n`);
        }
      },
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

const ratio = (own, other) => (own / other).toFixed(2);
const machineLine = ({ cpu, cores, node, load, date }) =>
  `${cpu}, ${cores} cores, Node ${node}, load ${load} before, ${date}`;

async function report() {
  const { network: networks, file: files, start: starts } = JSON.parse(await readFile(FILE, 'utf8'));
  const lines = [
    '# Engines',
    '',
    'Made by `node bench/engines.mjs` and `node bench/engines.mjs --report`: milliseconds, medians of rounds in which all sides take turns.',
    'Each side is a process of its own and has a pause before its turn, so that none has garbage or busy threads of another.',
    'PyTorch runs the exported graph, eager, with Pillow for files ([the peer](peers/onnx_in_torch.py)). Images of 256 px, embedded teacher,',
    '`instant` fitted on 100 drawn images, `dskd` with its default preset, nano. A ratio is time by ONNX Runtime divided by time in PyTorch with as many',
    'threads.',
    '',
    '## One prepared image to its prediction',
    '',
    `${machineLine(networks.machine)}; torch ${networks.rows[0].torch}.`,
    '',
    '| method | tfjs, wasm, 1 thread | ONNX Runtime, 1 | torch, 1 | ratio | tfjs, wasm, 2 threads | ONNX Runtime, 2 | torch, 2 | ratio | file, MB |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...networks.rows.map(
      ({ method, milliseconds: t, bytes }) =>
        `| ${method} | ${t.tfjs1} | ${t.onnx1} | ${t.torch1} | ${ratio(t.onnx1, t.torch1)} | ${t.tfjs2} | ${t.onnx2} | ${t.torch2} | ${ratio(t.onnx2, t.torch2)} | ${(bytes / 1e6).toFixed(1)} |`,
    ),
    '',
    '## A JPEG of 1920 x 1080 to its verdict, `instant`',
    '',
    `${machineLine(files.machine)}.`,
    '',
    'The last two columns are [PatchCore as anomalib runs it](peers/patchcore_in_torch.py) with its defaults (a tenth of the patches of 100 images),',
    'by its default backbone and by a small one, in PyTorch; their weights are random, so that only their time can be compared. In brackets is the',
    'time of `instant` by ONNX Runtime divided by that of the peer.',
    '',
    '| threads | tfjs, wasm | ONNX Runtime | torch and Pillow, the same graph | PatchCore, Wide-ResNet-50-2 | PatchCore, ResNet-18 |',
    '| --- | --- | --- | --- | --- | --- |',
    ...Object.entries(files.threads).map(([threads, t]) => {
      const peers = [t.torch, ...Object.keys(BACKBONES).map((name) => t[name])];
      return `| ${threads} | ${t.tfjs} | ${t.onnx} | ${peers.map((peer) => `${peer} (${ratio(t.onnx, peer)})`).join(' | ')} |`;
    }),
    '',
    '## Cold start',
    '',
    `${machineLine(starts.machine)}.`,
    '',
    '| command | milliseconds |',
    '| --- | --- |',
    `| \`node --version\` | ${starts.milliseconds.node} |`,
    `| \`dskd --help\` | ${starts.milliseconds.help} |`,
    `| \`dskd predict\` of one image, instant | ${starts.milliseconds.predict} |`,
  ];
  await writePage(path.join(HERE, 'engines.md'), lines.join('\n'));
}

if (options.report) await report();
else await measure(positionals.length > 0 ? positionals : ['network', 'file', 'start']);
