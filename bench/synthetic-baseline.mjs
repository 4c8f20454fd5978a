// What the mean and the deviation of every pixel find: the normal variation of @dskd/synthetic is real only if
// this finds little. node bench/synthetic-baseline.mjs writes bench/results/synthetic-baseline.json.
import { writeFile } from 'node:fs/promises';
import { auroc } from '@dskd/metrics';
import { CATEGORIES, GENERATOR_VERSION, generateScene, planDataset } from '@dskd/synthetic';

const SIZE = 128;
const COUNTS = { train: 100, validation: 0, test: 120 };
const SEED = 7;
const RADIUS = 2;

/** Mean and deviation of each value of the training images, the deviation at least one gray level. */
function learn(images) {
  const length = images[0].length;
  const mean = new Float64Array(length);
  const deviation = new Float64Array(length);
  for (const image of images) for (let i = 0; i < length; i++) mean[i] += image[i] / images.length;
  for (const image of images) {
    for (let i = 0; i < length; i++) deviation[i] += (image[i] - mean[i]) ** 2 / images.length;
  }
  return { mean, deviation: deviation.map((variance) => Math.max(Math.sqrt(variance), 1)) };
}

/** Squared z-scores, averaged over channels. */
function mapOf(image, { mean, deviation }) {
  const map = new Float64Array(SIZE * SIZE);
  image.forEach((value, i) => (map[Math.floor(i / 3)] += ((value - mean[i]) / deviation[i]) ** 2 / 3));
  return map;
}

/** The largest mean over a square window: one noisy pixel is no defect. */
function largest(map) {
  let best = 0;
  for (let y = RADIUS; y < SIZE - RADIUS; y++) {
    for (let x = RADIUS; x < SIZE - RADIUS; x++) {
      let sum = 0;
      for (let j = -RADIUS; j <= RADIUS; j++) {
        for (let i = -RADIUS; i <= RADIUS; i++) sum += map[(y + j) * SIZE + x + i];
      }
      best = Math.max(best, sum);
    }
  }
  return best;
}

const SCORES = {
  largest,
  mean: (map) => map.reduce((sum, value) => sum + value, 0),
};

const categories = {};
for (const level of ['standard', 'hard']) {
  for (const { name } of CATEGORIES) {
    const plan = planDataset({ category: name, ...COUNTS, seed: SEED });
    const draw = (each) => generateScene({ ...each, size: SIZE, level }).image.data;
    const model = learn(plan.filter(({ split }) => split === 'train').map(draw));
    const test = plan
      .filter(({ split }) => split === 'test')
      .map((each) => ({ label: each.label, map: mapOf(draw(each), model) }));
    const result = {};
    for (const [score, of] of Object.entries(SCORES)) {
      const scored = test.map(({ label, map }) => ({ label, score: of(map) }));
      const against = (kind) => {
        const some = scored.filter(({ label }) => label === 'good' || label === kind);
        return auroc(
          some.map((each) => each.score),
          some.map(({ label }) => (label === 'good' ? 0 : 1)),
        );
      };
      const structural = against('structural_anomalies');
      const logical = against('logical_anomalies');
      const rounded = { structural, logical, mean: (structural + logical) / 2 };
      result[score] = Object.fromEntries(
        Object.entries(rounded).map(([key, value]) => [key, +value.toFixed(4)]),
      );
    }
    categories[name] = { ...categories[name], [level]: result };
    console.log(level, name, JSON.stringify(result));
  }
}
await writeFile(
  new URL('results/synthetic-baseline.json', import.meta.url),
  `${JSON.stringify({ generatorVersion: GENERATOR_VERSION, size: SIZE, seed: SEED, ...COUNTS, categories }, null, 2)}\n`,
);
