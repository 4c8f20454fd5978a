// node docs/site/make-images.mjs: draws the images of docs/method.md, from detectors that it trains on drawn images, and
// writes what they scored to docs/images/runs.json. About five minutes on two idle cores.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { encodeImage } from '@dskd/data/node';
import { mapInImage } from '@dskd/detector';
import { makePanels, heatScaleOf } from '@dskd/report';
import { CATEGORIES, generateScene } from '@dskd/synthetic';
import { trainDetector } from 'dskd';
import prettier from 'prettier';
import sharp from 'sharp';
import { ROOT } from './routes.mjs';

const OUT = path.join(ROOT, 'docs/images');
const SIDE = 192;
const GAP = 6;
const SIZE = 256;
const GOOD = 80;
/** A quarter calibrates: 20 images, the fewest for a false-alarm rate of 5 %. */
const HOLD_OUT = 0.25;
const SHOWN = [undefined, 'scratch', 'broken_plug', 'missing_plug', 'swapped_count'];
const METHODS = {
  instant: { method: 'instant' },
  dskd: { method: 'dskd', options: { epochs: 40 }, input: { size: [128, 128] } },
};

const scene = (split, index, anomaly, category = 'tray') =>
  generateScene({ category, size: SIZE, seed: 7, split, index, ...(anomaly && { anomaly }) });

/** Images side by side, rows below each other, as a JPEG. */
async function writeSheet(name, rows) {
  const columns = Math.max(...rows.map((row) => row.length));
  const at = (index) => index * (SIDE + GAP);
  const tiles = await Promise.all(
    rows.flatMap((row, y) =>
      row.map(async (image, x) => ({
        input: await sharp(image).resize(SIDE, SIDE).png().toBuffer(),
        left: at(x),
        top: at(y),
      })),
    ),
  );
  const background = { r: 255, g: 255, b: 255 };
  const sheet = { width: at(columns) - GAP, height: at(rows.length) - GAP, channels: 3, background };
  const bytes = await sharp({ create: sheet }).composite(tiles).jpeg({ quality: 82 }).toBuffer();
  writeFileSync(path.join(OUT, name), bytes);
  console.log(`${name}: ${(bytes.length / 1000).toFixed(0)} kB`);
}

const png = (pixels) => encodeImage(pixels, { format: 'png' });

/** The union of all regions, white. */
function truthOf({ image, regions }) {
  const data = new Uint8Array(image.width * image.height);
  for (const { mask } of regions) mask.data.forEach((value, i) => (data[i] = value ? 255 : data[i]));
  return { ...image, data, channels: 1 };
}

/** A row: image, ground truth, the map of each branch, the fused map. */
async function rowOf(drawn, prediction, { scale, fusion }) {
  const inImage = (map) => mapInImage({ map, content: prediction.content }, drawn.image);
  const branches = Object.entries(prediction.branches).filter(([, { map }]) => map);
  const maps = {
    fused: inImage(prediction.map),
    branches: Object.fromEntries(branches.map(([name, { map }]) => [name, inImage(map)])),
  };
  const panels = await makePanels({ image: drawn.image, ...maps }, { scale, fusion, encode: png });
  const bytes = (panel) => Buffer.from(panel.split(',')[1], 'base64');
  return [
    await png(drawn.image),
    await png(truthOf(drawn)),
    ...branches.map(([name]) => bytes(panels.branches[name])),
    bytes(panels.fused),
  ];
}

mkdirSync(OUT, { recursive: true });

// What is drawn: a good image of each category, and one of each kind of anomaly.
await writeSheet(
  'categories.jpg',
  await Promise.all(
    [
      () => undefined,
      ({ anomalies }) => anomalies.find(({ kind }) => kind === 'structural_anomalies').name,
      ({ anomalies }) => anomalies.find(({ kind }) => kind === 'logical_anomalies').name,
    ].map((choose) =>
      Promise.all(CATEGORIES.map((info) => png(scene('test', 0, choose(info), info.name).image))),
    ),
  ),
);

const runs = {};
const good = Array.from({ length: GOOD }, (_, index) => scene('train', index).image);
const drawn = SHOWN.map((anomaly, index) => scene('test', index, anomaly));
for (const [name, options] of Object.entries(METHODS)) {
  const started = performance.now();
  const detector = await trainDetector(good, {
    ...options,
    seed: 1,
    backend: 'wasm',
    calibration: { holdOutFraction: HOLD_OUT },
  });
  const { calibration, fusion } = detector.description;
  const scale = heatScaleOf(calibration.scores, detector.threshold);
  const predictions = await detector.predict(drawn.map(({ image }) => image));
  const rows = [];
  for (const [index, prediction] of predictions.entries())
    rows.push(await rowOf(drawn[index], prediction, { scale, fusion: fusion.rule }));
  await writeSheet(`maps-${name}.jpg`, rows);
  runs[name] = {
    goodImages: GOOD,
    heldOut: calibration.scores.length,
    size: detector.inputSize,
    seconds: Math.round((performance.now() - started) / 1000),
    threshold: detector.threshold,
    calibrationScores: calibration.scores,
    images: predictions.map(({ score, pValue, verdict, branches }, index) => ({
      anomaly: SHOWN[index] ?? 'good',
      kind: drawn[index].label,
      branches: Object.fromEntries(Object.entries(branches).map(([branch, { score }]) => [branch, score])),
      score,
      pValue,
      verdict,
    })),
  };
  detector.dispose();
  console.log(`${name}: ${runs[name].seconds} s`);
}
writeFileSync(
  path.join(OUT, 'runs.json'),
  await prettier.format(JSON.stringify(runs), { parser: 'json', printWidth: 110 }),
);
