// node bench/spro.mjs: AU-sPRO of 300 maps of 1700x1000 of which 3 % are defect pixels, in a process of its own (time,
// peak memory, bounds); against sorting every background score on 20 such maps; and against the definition, counted
// threshold by threshold, on small ones. Writes bench/results/spro.json. Uses one thread.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { SproAccumulator } from '@dskd/metrics';
import { image } from './spro-maps.mjs';
// The oracle of the tests.
import { limitedArea, slowCurve } from '../packages/metrics/dist/overlap-oracle.test.util.js';

const SELF = fileURLToPath(import.meta.url);
/** The default limits of SproAccumulator: those of MVTec LOCO AD. */
const SPRO_LIMITS = [0.01, 0.05, 0.1, 0.3, 1];
const WIDTH = 1700;
const HEIGHT = 1000;
const IMAGES = 300;
const widest = ({ subsets }) => {
  const areas = Object.values(subsets)
    .flatMap(({ limits, byDefect }) => [limits, ...Object.values(byDefect)])
    .flat();
  return Math.max(...areas.map(({ lower, upper }) => upper - lower));
};

const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

function big() {
  const accumulator = new SproAccumulator();
  const spent = { add: 0, result: 0, addCpu: 0, resultCpu: 0 };
  let pixels = 0;
  let defectPixels = 0;
  const begun = performance.now();
  const timed = (name, work) => {
    const [wall, cpu] = [performance.now(), cpuSeconds()];
    const value = work();
    spent[name] += (performance.now() - wall) / 1000;
    spent[`${name}Cpu`] += cpuSeconds() - cpu;
    return value;
  };
  for (let index = 0; index < IMAGES; index++) {
    const sample = image(index, WIDTH, HEIGHT);
    pixels += sample.map.length;
    for (let i = 0; i < sample.map.length; i++)
      if (sample.regions.some(({ mask }) => mask[i])) defectPixels++;
    timed('add', () => accumulator.add(sample));
  }
  const result = timed('result', () => accumulator.result());
  const subsets = Object.entries(result.subsets).map(
    ([name, { regions, backgroundPixels, limits, curve, byDefect }]) => [
      name,
      {
        regions,
        backgroundPixels,
        limits,
        defectTypes: Object.keys(byDefect).length,
        curvePoints: curve.x.length,
      },
    ],
  );
  return {
    images: IMAGES,
    width: WIDTH,
    height: HEIGHT,
    defectShare: defectPixels / pixels,
    secondsWithImages: (performance.now() - begun) / 1000,
    seconds: spent.add + spent.result,
    cpuSeconds: spent.addCpu + spent.resultCpu,
    ...spent,
    peakRssMB: process.resourceUsage().maxRSS / 1024,
    widestBound: widest(result),
    subsets: Object.fromEntries(subsets),
  };
}

/** Exact, by the sorted scores of every background pixel; all regions and both kinds of subset. */
function bySorting(samples, subset) {
  const images = samples.filter((sample) => sample.subset === subset || sample.subset === 'good');
  const background = new Float32Array(images.reduce((sum, { map }) => sum + map.length, 0));
  let pixels = 0;
  for (const { map, regions } of images) {
    for (let i = 0; i < map.length; i++)
      if (!regions.some(({ mask }) => mask[i])) background[pixels++] = map[i];
  }
  const sorted = background.subarray(0, pixels).sort();
  const below = (score, strictly) => {
    let [low, high] = [0, pixels];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (strictly ? sorted[middle] < score : sorted[middle] <= score) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const regions = images.flatMap(({ map, regions: ofImage }) =>
    ofImage.map(({ mask, saturationArea }) => {
      const found = map.filter((_, i) => mask[i]).sort();
      return found.subarray(Math.max(0, found.length - saturationArea));
    }),
  );
  const areas = SPRO_LIMITS.map(() => 0);
  for (const found of regions) {
    for (const score of found) {
      const above = pixels - below(score, false);
      const tied = pixels - above - below(score, true);
      SPRO_LIMITS.forEach((limit, i) => {
        const room = Math.max(0, limit * pixels - above);
        areas[i] += (room < tied ? room ** 2 / (2 * tied) : room - tied / 2) / found.length;
      });
    }
  }
  return areas.map((area, i) => area / (SPRO_LIMITS[i] * pixels * regions.length));
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

function againstSorting() {
  const samples = Array.from({ length: 20 }, (_, index) => image(index, WIDTH, HEIGHT));
  const seconds = { accumulator: [], sorting: [] };
  let difference = 0;
  let bound = 0;
  let outside = 0;
  for (let round = 0; round < 3; round++) {
    let begun = performance.now();
    const accumulator = new SproAccumulator();
    for (const sample of samples) accumulator.add(sample);
    const result = accumulator.result();
    seconds.accumulator.push((performance.now() - begun) / 1000);
    begun = performance.now();
    const exact = Object.keys(result.subsets).map((subset) => [subset, bySorting(samples, subset)]);
    seconds.sorting.push((performance.now() - begun) / 1000);
    bound = widest(result);
    for (const [subset, areas] of exact) {
      result.subsets[subset].limits.forEach(({ value, lower, upper }, i) => {
        difference = Math.max(difference, Math.abs(value - areas[i]));
        if (areas[i] < lower - 1e-12 || areas[i] > upper + 1e-12) outside++;
      });
    }
  }
  const medians = { accumulator: median(seconds.accumulator), sorting: median(seconds.sorting) };
  return {
    images: samples.length,
    width: WIDTH,
    height: HEIGHT,
    seconds: medians,
    sortingOverAccumulator: medians.sorting / medians.accumulator,
    widestBound: bound,
    largestDifference: difference,
    outsideBounds: outside,
  };
}

function againstDefinition() {
  const cases = [
    [10, 12, 9],
    [10, 24, 16],
    [20, 16, 16],
  ];
  return cases.map(([images, width, height]) => {
    const samples = Array.from({ length: images }, (_, index) => image(index, width, height));
    const accumulator = new SproAccumulator();
    for (const sample of samples) accumulator.add(sample);
    let largestDifference = 0;
    for (const [subset, { limits, byDefect }] of Object.entries(accumulator.result().subsets)) {
      for (const [defectType, areas] of [[undefined, limits], ...Object.entries(byDefect)]) {
        const curve = slowCurve(samples, subset, defectType === undefined ? {} : { defectType });
        for (const { limit, value } of areas) {
          largestDifference = Math.max(largestDifference, Math.abs(value - limitedArea(curve, limit)));
        }
      }
    }
    return { images, width, height, largestDifference };
  });
}

if (process.argv[2] === 'big') {
  process.stdout.write(JSON.stringify(big()));
} else {
  const child = spawnSync(process.execPath, [SELF, 'big'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.status !== 0) throw new Error(`the big case ended with ${child.status}`);
  const result = {
    command: 'node bench/spro.mjs',
    node: process.version,
    processor: cpus()[0].model,
    loadAverage: loadavg()[0],
    big: JSON.parse(child.stdout),
    againstSorting: againstSorting(),
    againstDefinition: againstDefinition(),
  };
  mkdirSync(new URL('results/', import.meta.url), { recursive: true });
  writeFileSync(new URL('results/spro.json', import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
  console.log(JSON.stringify(result, null, 2));
}
