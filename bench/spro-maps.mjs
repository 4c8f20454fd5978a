// The maps that bench/spro.mjs and bench/ratios/spro.mjs measure AU-sPRO on: log-normal scores, and two overlapping discs of defect
// pixels in each anomalous image.
import { randomStream } from '@dskd/base';

/** The two regions of an image overlap: 2 % of their pixels are in both. */
const DEFECT_SHARE = 0.03 * 1.02;
/** As many of ten as in the test images of LOCO's pushpins, nearly. */
const KINDS = 'good logical good structural good logical good structural logical good'.split(' ');
const ANOMALOUS_SHARE = KINDS.filter((kind) => kind !== 'good').length / KINDS.length;

const TABLE = 2 ** 16;
/** Quantiles of log-normal scores, positive and of a few octaves, as a detector's. */
const quantiles = (() => {
  const random = randomStream(1, 'spro', 'quantiles');
  return Float64Array.from({ length: TABLE + 1 }, () => Math.exp(0.5 * random.normal()) / 10).sort();
})();

/** A generator fast enough not to hide what is measured: xorshift32, quantiles in between by lines. */
function scores(seed, length) {
  let state = (Math.imul(seed + 1, 0x9e3779b1) | 1) >>> 0;
  const map = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const position = (state >>> 0) / 2 ** 16;
    const index = Math.floor(position);
    map[i] = quantiles[index] + (position - index) * (quantiles[index + 1] - quantiles[index]);
  }
  return map;
}

/** Two discs of defect pixels, higher than the rest on average, that overlap a little; one is saturated by a third. */
export function image(index, width, height) {
  const subset = KINDS[index % KINDS.length];
  const map = scores(index, width * height);
  const sample = { name: String(index).padStart(3, '0'), map, width, height, subset, regions: [] };
  if (subset === 'good') return sample;
  const area = (width * height * DEFECT_SHARE) / ANOMALOUS_SHARE / 2;
  const radius = Math.sqrt(area / Math.PI);
  const random = randomStream(2, 'spro', index);
  const y0 = radius + random.uniform() * (height - 2 * radius);
  const x0 = radius + random.uniform() * (width - 4 * radius);
  for (const [place, x1] of [x0, x0 + 1.8 * radius].entries()) {
    const mask = new Uint8Array(width * height);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++)
        if ((x - x1) ** 2 + (y - y0) ** 2 <= radius ** 2) mask[y * width + x] = 255;
    }
    const defectType = `${subset}_${1 + (index % 3)}`;
    sample.regions.push({ mask, defectType, saturationArea: Math.round(place === 0 ? area / 3 : 2 * area) });
  }
  const lift = 1.3 + 2 * random.uniform();
  const [first, second] = sample.regions;
  for (let i = 0; i < map.length; i++) if (first.mask[i] | second.mask[i]) map[i] *= lift;
  return sample;
}
