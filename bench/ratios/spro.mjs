// AU-sPRO: 300 maps of 1.7 Mpx by SproAccumulator, as bench/spro.mjs has them; and fewer, against NumPy threshold by threshold.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { SproAccumulator } from '@dskd/metrics';
import { image } from '../spro-maps.mjs';
import { startPeer, takeTurns, timed } from './turns.mjs';

const [WIDTH, HEIGHT] = [1700, 1000];
const IMAGES = 300;
/** The peer takes minutes for all 300. Logical ones only, with the good ones: one subset. */
const FEW = 10;
const LIMITS = [0.01, 0.05, 0.1, 0.3, 1];
const SUBSETS = ['good', 'logical'];

/** Seconds in the accumulator, without the making of the maps. */
async function all() {
  const accumulator = new SproAccumulator();
  const sum = { seconds: 0, cpuSeconds: 0 };
  const add = ({ seconds, cpuSeconds }) => {
    sum.seconds += seconds;
    sum.cpuSeconds += cpuSeconds;
  };
  for (let index = 0; index < IMAGES; index++) {
    const sample = image(index, WIDTH, HEIGHT);
    add(await timed(() => accumulator.add(sample)));
  }
  add(await timed(() => accumulator.result()));
  return sum;
}

async function written(samples, folder) {
  return Promise.all(
    samples.map(async ({ name, map, width, height, regions }) => {
      const file = `${name}.map`;
      await writeFile(path.join(folder, file), new Uint8Array(map.buffer));
      const masks = regions.map(async ({ mask, saturationArea }, at) => {
        const own = `${name}.${at}.mask`;
        await writeFile(path.join(folder, own), mask);
        return { file: own, saturation: saturationArea };
      });
      return { file, width, height, regions: await Promise.all(masks) };
    }),
  );
}

async function againstPeer(rounds) {
  const samples = [];
  for (let index = 0; samples.length < FEW; index++) {
    const sample = image(index, WIDTH, HEIGHT);
    if (SUBSETS.includes(sample.subset)) samples.push(sample);
  }
  const folder = await mkdtemp(path.join(os.tmpdir(), 'dskd-spro-'));
  try {
    const images = await written(samples, folder);
    const peer = await startPeer('spro_thresholds.py');
    let [own, other] = [null, null];
    const times = await takeTurns(
      {
        own: async () => {
          const turn = await timed(() => {
            const accumulator = new SproAccumulator({ limits: LIMITS });
            for (const sample of samples) accumulator.add(sample);
            return accumulator.result();
          });
          own = turn.value;
          return turn;
        },
        peer: async () => (other = await peer.ask({ folder, images, limits: LIMITS })),
      },
      { rounds, warmUp: 0 },
    );
    peer.end();
    const differences = own.subsets.logical.limits.map(({ value }, at) => Math.abs(value - other.areas[at]));
    return {
      times,
      numpy: peer.about.numpy,
      thresholds: other.thresholds,
      largestDifference: Math.max(...differences),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

export async function measure(rounds = 3) {
  const { times, ...peer } = await againstPeer(rounds);
  const turns = [];
  for (let round = 0; round < rounds; round++) turns.push(await all());
  const middle = turns.sort((a, b) => a.cpuSeconds - b.cpuSeconds)[turns.length >> 1];
  return {
    ...peer,
    rows: [
      {
        what: `AU-sPRO, ${FEW} maps of 1.7 Mpx`,
        peer: 'NumPy, threshold by threshold',
        times,
        wanted: 0.05,
      },
    ],
    absolute: [{ what: `AU-sPRO, ${IMAGES} maps of 1.7 Mpx`, ...middle, wanted: '10 s', limit: 10 }],
  };
}
