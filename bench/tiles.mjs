// Large images with small defects: the method instant on synthetic images of 1024 px, level hard, with tiles of 256 px
// at 1024 px, and without tiles at 256 and 512 px. Each run is a process of its own, so that its peak memory is its own.
// node bench/tiles.mjs [CATEGORY ...] writes bench/results/tiles.json. TILES_SEED is the seed of the data
// (101), TILES_DATA a folder that keeps them.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openSource } from '@dskd/data/node';
import { auroc } from '@dskd/metrics';
import { writeDataset } from '@dskd/synthetic/node';
import { trainDetector } from 'dskd';

const SIZE = 1024;
const COUNTS = { train: 30, validation: 15, test: 40 };
const TILES = { size: [SIZE, SIZE], tiles: { size: 256, overlap: 32 } };
const RUNS = {
  'tiles of 256 at 1024': TILES,
  'no tiles, 256': { size: [256, 256] },
  'no tiles, 512': { size: [512, 512] },
};
const round = (value, digits = 4) => Number(value.toFixed(digits));

/** Seconds of the clock and of the processor. Other programs run on the same machine: the clock's are an upper bound. */
async function measure(work) {
  const wall = performance.now();
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  return { result, wall: (performance.now() - wall) / 1000, processor: (user + system) / 1e6 };
}

const aurocOf = (good, bad) =>
  round(
    auroc(
      [...good, ...bad],
      [...good, ...bad].map((_, index) => (index < good.length ? 0 : 1)),
    ),
  );

/** Trains and scores in this process. */
async function run(folder, category, input) {
  const source = await openSource({ root: folder, category });
  const train = await measure(() =>
    trainDetector(source, { method: 'instant', input, backend: 'wasm', seed: 1 }),
  );
  const detector = train.result;
  const scores = {};
  let [wall, processor, images] = [0, 0, 0];
  for (const sample of source.samples.filter(({ split }) => split === 'test')) {
    const pixels = await sample.load();
    const predicted = await measure(() => detector.predict(pixels));
    wall += predicted.wall;
    processor += predicted.processor;
    images += 1;
    const { score, branches } = predicted.result;
    const all = {
      fused: score,
      ...Object.fromEntries(Object.entries(branches).map(([name, b]) => [name, b.score])),
    };
    for (const [name, value] of Object.entries(all))
      ((scores[name] ??= {})[sample.defectType] ??= []).push(value);
  }
  const byBranch = Object.fromEntries(
    Object.entries(scores).map(
      ([name, { good, structural_anomalies: structural, logical_anomalies: logical }]) => [
        name,
        { structural: aurocOf(good, structural), logical: aurocOf(good, logical) },
      ],
    ),
  );
  const bytes = detector.toBytes().length;
  detector.dispose();
  return {
    auroc: byBranch,
    train: { wall: round(train.wall, 1), processor: round(train.processor, 1) },
    perImage: { wall: round(wall / images, 3), processor: round(processor / images, 3) },
    peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
    fileMiB: round(bytes / 2 ** 20, 1),
  };
}

if (process.argv[2] === '--run') {
  const [folder, category, input] = process.argv.slice(3);
  console.log(JSON.stringify(await run(folder, category, JSON.parse(input))));
} else {
  const categories = process.argv.length > 2 ? process.argv.slice(2) : ['tray'];
  const { TILES_SEED = '101', TILES_DATA } = process.env;
  const seed = Number(TILES_SEED);
  const folder = TILES_DATA ?? (await mkdtemp(path.join(os.tmpdir(), 'dskd-tiles-')));
  const machine = { cpu: os.cpus()[0].model, node: process.versions.node };
  const file = { size: SIZE, level: 'hard', seed, ...COUNTS, method: 'instant', ...machine, results: {} };
  for (const category of categories) {
    if (!existsSync(path.join(folder, category))) {
      await writeDataset(folder, { category, size: SIZE, ...COUNTS, seed, level: 'hard' });
    }
    const results = (file.results[category] = {});
    for (const [name, input] of Object.entries(RUNS)) {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [fileURLToPath(import.meta.url), '--run', folder, category, JSON.stringify(input)],
        { maxBuffer: 2 ** 24 },
      );
      results[name] = JSON.parse(stdout.trim().split('\n').at(-1));
      console.log(category, name, JSON.stringify(results[name]));
      await writeFile(new URL('results/tiles.json', import.meta.url), `${JSON.stringify(file, null, 2)}\n`);
    }
  }
  if (TILES_DATA === undefined) await rm(folder, { recursive: true });
}
