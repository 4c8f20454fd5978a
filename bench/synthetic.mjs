// How long 200 images of 256 px take, in processor seconds of this process, and as a ratio to encoding the same
// images as PNG by sharp in the same minute. node bench/synthetic.mjs writes bench/results/synthetic.json.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import sharp from 'sharp';
import { CATEGORIES, GENERATOR_VERSION, generateScene, planDataset } from '@dskd/synthetic';
import { writeDataset } from '@dskd/synthetic/node';

const SIZE = 256;
const COUNTS = { train: 120, validation: 20, test: 60 };
const SEED = 7;
sharp.concurrency(1);

async function measure(work) {
  const wall = performance.now();
  const processor = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(processor);
  const round = (seconds) => Number(seconds.toFixed(2));
  return {
    result,
    seconds: { processor: round((user + system) / 1e6), wall: round((performance.now() - wall) / 1000) },
  };
}

const raw = { width: SIZE, height: SIZE, channels: 3 };
const categories = {};
for (const { name } of CATEGORIES) {
  const plan = planDataset({ category: name, ...COUNTS, seed: SEED });
  generateScene({ ...plan[0], size: SIZE });
  const generated = await measure(() =>
    plan.map((each) => generateScene({ ...each, size: SIZE }).image.data),
  );
  const encoded = await measure(async () => {
    for (const data of generated.result) await sharp(data, { raw }).png().toBuffer();
  });
  const folder = await mkdtemp(path.join(tmpdir(), 'dskd-bench-'));
  const written = await measure(() =>
    writeDataset(folder, { category: name, size: SIZE, ...COUNTS, seed: SEED }),
  );
  await rm(folder, { recursive: true });
  categories[name] = {
    images: plan.length,
    generate: generated.seconds,
    encode: encoded.seconds,
    ratio: Number((generated.seconds.processor / encoded.seconds.processor).toFixed(2)),
    writeDataset: written.seconds,
  };
  console.log(name, JSON.stringify(categories[name]));
}
await writeFile(
  new URL('results/synthetic.json', import.meta.url),
  `${JSON.stringify({ generatorVersion: GENERATOR_VERSION, node: process.versions.node, size: SIZE, seed: SEED, categories }, null, 2)}\n`,
);
