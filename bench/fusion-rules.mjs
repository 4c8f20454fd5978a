// The rules that bench/fusion.mjs compares. Each takes what branches give for good images (and for made-up anomalies)
// and for test images, and returns one score per test image. Maps come normalized by the detector, which is affine: what
// a rule normalizes again it normalizes from the same numbers as from raw maps.

/** Area under the ROC curve, ties counted half. */
export function auroc(good, bad) {
  let wins = 0;
  for (const b of bad) for (const g of good) wins += b > g ? 1 : b === g ? 0.5 : 0;
  return wins / (good.length * bad.length);
}

const BRANCHES = ['local', 'global', 'pooled'];
const MAPPED = ['local', 'global'];
/** Weights of the product's own rule. */
const WEIGHTS = { local: 1, global: 0.7, pooled: 0.5 };

/** Of global and pooled, beside those. */
const OTHER_WEIGHTS = [
  [0.7, 0.3],
  [0.7, 0.15],
  [0.5, 0.5],
  [0.5, 0.3],
  [0.5, 0.15],
  [0.35, 0.15],
];

const maximum = (values) => values.reduce((best, value) => Math.max(best, value), -Infinity);
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values) => {
  const center = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - center) ** 2)));
};
const logSumExp = (values) => {
  const largest = maximum(values);
  return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0));
};

/** Upper tail of the standard normal, as a logarithm; Abramowitz and Stegun 26.2.17, and its limit far out. */
function logTail(z) {
  if (z > 6) return (-z * z) / 2 - Math.log(z * Math.sqrt(2 * Math.PI));
  if (z < 0) return Math.log1p(-Math.exp(logTail(-z)));
  const t = 1 / (1 + 0.2316419 * z);
  const series =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return Math.log((Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series);
}

/** Scores of a branch, and standardized by those of good images. */
const scoresOf = (outputs, branch) => outputs.map((each) => each[branch].score);
function standardized({ good }, outputs, branch) {
  const reference = scoresOf(good, branch);
  const [center, spread] = [mean(reference), deviation(reference)];
  return scoresOf(outputs, branch).map((score) => (score - center) / spread);
}
const perImage = (outputs, of) => outputs.map((_, index) => of(index));

/** A rule of standardized image scores. */
const ofScores =
  (combine, weights = {}) =>
  (calibration, test) => {
    const z = BRANCHES.map((branch) =>
      standardized(calibration, test, branch).map((value) => value * (weights[branch] ?? 1)),
    );
    return perImage(test, (index) => combine(z.map((values) => values[index])));
  };

/** Offset and scale of a branch's pixels over good images. */
function momentsOfPixels({ good }, branch) {
  const maps = good.map((each) => each[branch].map);
  const center = mean(maps.map((map) => mean(Array.from(map))));
  const variance = mean(
    maps.map((map) => {
      let sum = 0;
      for (const value of map) sum += (value - center) ** 2;
      return sum / map.length;
    }),
  );
  return { offset: center, scale: Math.sqrt(variance) };
}
function quantilesOfPixels({ good }, branch) {
  const all = Float32Array.from(good.flatMap((each) => Array.from(each[branch].map))).sort();
  const at = (share) => all[Math.floor(share * (all.length - 1))];
  return { offset: at(0.9), scale: at(0.995) - at(0.9) };
}
function momentsOfScores({ good }, branch) {
  const scores = scoresOf(good, branch);
  return { offset: mean(scores), scale: deviation(scores) };
}

/** A rule that fuses maps pixel by pixel; the score is the maximum, and branches without a map join by `combine`. */
const ofPixels =
  (normalizationOf, combine, { weights = () => ({}), withPooled = false } = {}) =>
  (calibration, test) => {
    const factors = weights(calibration);
    const normalizations = MAPPED.map((branch) => ({
      branch,
      factor: factors[branch] ?? 1,
      ...normalizationOf(calibration, branch),
    }));
    const pooled = standardized(calibration, test, 'pooled');
    return perImage(test, (index) => {
      const maps = normalizations.map(({ branch }) => test[index][branch].map);
      let best = -Infinity;
      for (let pixel = 0; pixel < maps[0].length; pixel++) {
        const value = combine(
          normalizations.map(
            ({ offset, scale, factor }, at) => (factor * (maps[at][pixel] - offset)) / scale,
          ),
        );
        if (value > best) best = value;
      }
      return withPooled ? combine([best, pooled[index] * (factors.pooled ?? 1)]) : best;
    });
  };

/** Each pixel normalized by its own mean and deviation over good images, which are smoothed by a floor. */
function ofPositions(calibration, test) {
  const statistics = MAPPED.map((branch) => {
    const maps = calibration.good.map((each) => each[branch].map);
    const { scale: floor } = momentsOfPixels(calibration, branch);
    const centers = maps[0].map((_, pixel) => mean(maps.map((map) => map[pixel])));
    const scales = maps[0].map((_, pixel) => floor + deviation(maps.map((map) => map[pixel])));
    return { branch, centers, scales };
  });
  return perImage(test, (index) => {
    let best = -Infinity;
    for (let pixel = 0; pixel < statistics[0].centers.length; pixel++) {
      let sum = 0;
      for (const { branch, centers, scales } of statistics) {
        sum += (test[index][branch].map[pixel] - centers[pixel]) / scales[pixel];
      }
      if (sum > best) best = sum;
    }
    return best;
  });
}

/** How well each branch tells good images from made-up anomalies, from 0.1 (not at all) to 1. */
function weightsByMadeUp({ good, anomalies }) {
  return Object.fromEntries(
    BRANCHES.map((branch) => {
      const separation = 2 * auroc(scoresOf(good, branch), scoresOf(anomalies, branch)) - 1;
      return [branch, Math.min(1, Math.max(0.1, separation))];
    }),
  );
}

const sum = (values) => values.reduce((total, value) => total + value, 0);

/** By name; the first three are branches alone. */
export const RULES = {
  local: (_, test) => scoresOf(test, 'local'),
  global: (_, test) => scoresOf(test, 'global'),
  pooled: (_, test) => scoresOf(test, 'pooled'),
  'Eq. 8 on pixels (local, global)': ofPixels(momentsOfPixels, sum),
  'quantiles on pixels, sum': ofPixels(quantilesOfPixels, sum),
  'per position, sum': ofPositions,
  'sum of z': ofScores(sum),
  'maximum of z (Tippett)': ofScores(maximum),
  'Fisher (and Brown, which has the same order)': ofScores((z) => -2 * sum(z.map(logTail))),
  'soft maximum of z': ofScores(logSumExp),
  'soft maximum of z, weighted': ofScores(logSumExp, WEIGHTS),
  'soft maximum on pixels': ofPixels(momentsOfScores, logSumExp, { withPooled: true }),
  'soft maximum on pixels, weighted by made-up anomalies': ofPixels(momentsOfScores, logSumExp, {
    withPooled: true,
    weights: weightsByMadeUp,
  }),
  'soft maximum on pixels, weighted (the rule of instant)': ofPixels(momentsOfScores, logSumExp, {
    withPooled: true,
    weights: () => WEIGHTS,
  }),
  ...Object.fromEntries(
    OTHER_WEIGHTS.map(([global, pooled]) => [
      `soft maximum on pixels, weights 1, ${global}, ${pooled}`,
      ofPixels(momentsOfScores, logSumExp, { withPooled: true, weights: () => ({ global, pooled }) }),
    ]),
  ),
};

/**
 * Made-up anomalies of good images: a region copied over another place (doubled), exchanged with another (swapped), moved
 * with its old place filled by the image's mean color (moved), and a region of another image pasted (structural).
 */
export function* madeUpAnomalies(images, random) {
  for (const [index, image] of images.entries()) {
    const { width, height, channels } = image;
    const data = image.data.slice();
    const side = Math.max(4, Math.round(Math.min(width, height) * (0.1 + 0.15 * random.uniform())));
    const place = () => ({ x: random.integer(width - side), y: random.integer(height - side) });
    const [from, to] = [place(), place()];
    const other = images[(index + 1) % images.length];
    const kind = index % 4;
    const at = ({ x, y }, row, column) => ((y + row) * width + x + column) * channels;
    for (let row = 0; row < side; row++) {
      for (let column = 0; column < side; column++) {
        for (let channel = 0; channel < channels; channel++) {
          const [source, target] = [at(from, row, column) + channel, at(to, row, column) + channel];
          const pasted = kind === 3 && other.data.length === image.data.length ? other.data : image.data;
          data[target] = pasted[source];
          if (kind === 1) data[source] = image.data[target];
          if (kind === 2) data[source] = image.data[channel];
        }
      }
    }
    yield { ...image, data };
  }
}
