// What limits `instant` on drawn trays at 128 px when it learns 40 images, as the page of `dskd studio` does, and what was tried
// against it.
//
// node bench/inspector-small.mjs USE [VARIANT ...]   measures, and adds to bench/results/inspector-small.json
//
// USE is one of USES below: variants are chosen by `choosing`, and reported on what was not looked at before. Without variants all
// are measured; what the file has already is not measured again. `node docs/site/blocks.mjs --renew` writes the table of
// apps/inspector/README.md from it. Backend wasm, embedded teacher.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { selectBackend } from '@dskd/core/backends';
import { trainDetector } from '@dskd/detector';
import { auroc } from '@dskd/metrics';
import { loadTeacher } from '@dskd/models';
import { generateScene, planDataset } from '@dskd/synthetic';
import { teacherTiny } from '@dskd/teacher-tiny';
import { sourceOfScenes } from './drawn-source.mjs';

const FILE = path.join(import.meta.dirname, 'results/inspector-small.json');
const SIDE = 128;
/** As `WEIGHTS` of apps/inspector/page/worker/learning.ts. */
const PAGE_WEIGHTS = { local: 1, global: 0.5, pooled: 0.25 };
const page = (seed) => ({
  category: 'tray',
  seed,
  train: 40,
  test: 60,
  weights: PAGE_WEIGHTS,
  holdOut: 0.25,
});
const CATEGORIES = ['bag', 'box', 'flask', 'harness', 'tray'];
const USES = {
  choosing: [11, 12, 13, 14, 15, 16].map(page),
  reported: [1, 2, 3].map(page),
  categories: [101, 202].flatMap((seed) =>
    CATEGORIES.map((category) => ({ category, seed, train: 150, test: 150, holdOut: 0.1 })),
  ),
};

const local = (options) => ({ options: { local: options } });
const flips = (axes) => ({ input: { augmentation: { flips: axes }, copies: 3 } });
const VARIANTS = {
  'as it is': {},
  'finer grid (stride 4)': local({ gridLevel: 1 }),
  'finer grid, levels 1 and 2': local({ gridLevel: 1, levels: [1, 2] }),
  'levels 1 and 2': local({ levels: [1, 2] }),
  'bank of 4,000 patches': local({ coreset: { count: 4000 } }),
  'bank of 4,000 patches, finer grid': local({ coreset: { count: 4000 }, gridLevel: 1 }),
  'official embedding': local({ embedding: 'official' }),
  'positions count 0.5': local({ positionWeight: 0.5 }),
  'positions count 1': local({ positionWeight: 1 }),
  'positions count 2': local({ positionWeight: 2 }),
  'image scores re-weighted': local({ reweight: 9 }),
  'mirrored copies': flips({ horizontal: true, vertical: true }),
  'copies turned by up to 3 degrees': {
    input: { augmentation: { rotation: { degrees: 3 } }, copies: 3 },
  },
  'copies with other colors': {
    input: { augmentation: { colorJitter: { brightness: 0.1, contrast: 0.1 } }, copies: 3 },
  },
  'finer grid, copies turned by up to 3 degrees': {
    ...local({ gridLevel: 1 }),
    input: { augmentation: { rotation: { degrees: 3 } }, copies: 3 },
  },
  'finer grid, copies mirrored and turned': {
    ...local({ gridLevel: 1 }),
    input: {
      augmentation: { flips: { horizontal: true, vertical: true }, rotation: { degrees: 3 } },
      copies: 3,
    },
  },
  'finer grid, bank of 2,400, copies turned': {
    ...local({ gridLevel: 1, coreset: { count: 2400 } }),
    input: { augmentation: { rotation: { degrees: 3 } }, copies: 3 },
  },
  'tiles of 128 px of the image at 192 px': {
    input: { size: [192, 192], tiles: { size: SIDE, overlap: 64 } },
  },
  'tiles of 128 px of the image at 256 px': {
    input: { size: [256, 256], tiles: { size: SIDE, overlap: 0 } },
  },
  'the image at 192 px': { input: { size: [192, 192] } },
};

const round = (value, digits = 4) => Number(value.toFixed(digits));
const rows = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')).rows : [];
function keep(row) {
  rows.push(row);
  writeFileSync(`${FILE}.tmp`, `${JSON.stringify({ rows }, null, 1)}\n`);
  renameSync(`${FILE}.tmp`, FILE);
}

const labelOf = ({ label }) => (label === 'good' ? 0 : 1);
const kindOf = ({ anomaly, kind }) => kind ?? anomaly ?? 'good';

async function measure(teacher, { train, test, weights, holdOut }, scenes, { input, options }) {
  const learned = scenes.filter(({ scene }) => scene.split === 'train').slice(0, train);
  const started = performance.now();
  const detector = await trainDetector({
    source: sourceOfScenes(learned),
    teacher,
    input: { size: [SIDE, SIDE], ...input },
    ...(options && { options }),
    calibration: { holdOutFraction: holdOut, ...(weights && { weights }) },
  });
  const seconds = round((performance.now() - started) / 1000, 1);
  const inspected = scenes.filter(({ scene }) => scene.split === 'test').slice(0, test);
  const results = [];
  const from = performance.now();
  for (const { scene, image } of inspected) results.push({ scene, ...(await detector.predict(image)) });
  const msAnImage = round((performance.now() - from) / results.length, 0);
  detector.dispose();
  const separation = (scoreOf, kind) => {
    const chosen = results.filter(({ scene }) => !kind || labelOf(scene) === 0 || kindOf(scene) === kind);
    return round(
      auroc(
        chosen.map(scoreOf),
        chosen.map(({ scene }) => labelOf(scene)),
      ),
    );
  };
  const kinds = [...new Set(results.map(({ scene }) => kindOf(scene)))]
    .filter((kind) => kind !== 'good')
    .sort();
  return {
    seconds,
    msAnImage,
    auroc: separation(({ score }) => score),
    branches: Object.fromEntries(
      Object.keys(results[0].branches).map((name) => [
        name,
        separation(({ branches }) => branches[name].score),
      ]),
    ),
    kinds: Object.fromEntries(kinds.map((kind) => [kind, separation(({ score }) => score, kind)])),
  };
}

const [use, ...chosen] = process.argv.slice(2);
await selectBackend('wasm');
const { name, load } = teacherTiny();
const teacher = await loadTeacher(name, await load());
for (const set of USES[use]) {
  const { category, seed, train, test } = set;
  const wanted = Object.entries(VARIANTS).filter(
    ([variant]) =>
      (chosen.length === 0 || chosen.includes(variant)) &&
      !rows.some(
        (row) => row.use === use && row.category === category && row.seed === seed && row.variant === variant,
      ),
  );
  if (wanted.length === 0) continue;
  const scenes = planDataset({ category, train, validation: 0, test, seed }).map((scene) => {
    const { path: _, ...drawn } = scene;
    const { image, label } = generateScene({ ...drawn, size: 256 });
    return { scene: { ...scene, label }, image };
  });
  for (const [variant, changes] of wanted) {
    const row = { use, category, seed, variant, ...(await measure(teacher, set, scenes, changes)) };
    console.log(JSON.stringify({ ...row, kinds: undefined }));
    keep(row);
  }
}
process.exit(0);
