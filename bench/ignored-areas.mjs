// Whether an ignored area keeps out what changes in it: drawn parts with other squares of random colors in one area of each image,
// good and faulty ones, learned and inspected.
//
// node bench/ignored-areas.mjs [--category tray] [--seeds 21,22,23]   measures and writes bench/results/ignored-areas.json
//
// `node docs/site/blocks.mjs --renew` writes the table of docs/decisions/0048-ignored-areas-are-covered.md from it.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { randomStream } from '@dskd/base';
import { selectBackend } from '@dskd/core/backends';
import { sourceOf } from '@dskd/data';
import { trainDetector } from '@dskd/detector';
import { auroc } from '@dskd/metrics';
import { loadTeacher } from '@dskd/models';
import { generateScene, planDataset } from '@dskd/synthetic';
import { teacherTiny } from '@dskd/teacher-tiny';

const FILE = path.join(import.meta.dirname, 'results/ignored-areas.json');
const SIDE = 256;
/** Left, top, width, height in pixels. */
const AREAS = {
  corner: [0, 0, 72, 72],
  'band at the top': [0, 0, 256, 48],
  'inside the part': [100, 100, 40, 40],
};
/** Squares along each side of an area. */
const SQUARES = 12;
const { values: options } = parseArgs({
  options: {
    category: { type: 'string', default: 'tray' },
    seeds: { type: 'string', default: '21,22,23' },
  },
});
const round = (value) => Number(value.toFixed(4));

function maskOf([left, top, width, height]) {
  const mask = new Uint8Array(SIDE * SIDE);
  for (let y = top; y < top + height; y++) mask.fill(1, y * SIDE + left, y * SIDE + left + width);
  return mask;
}

/** The image with random colors in the area. */
function disturbed(image, [left, top, width, height], random) {
  const data = image.data.slice();
  const colors = Uint8Array.from({ length: SQUARES ** 2 * 3 }, () => Math.floor(256 * random.uniform()));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const square = Math.floor((y * SQUARES) / height) * SQUARES + Math.floor((x * SQUARES) / width);
      data.set(colors.subarray(square * 3, square * 3 + 3), ((top + y) * SIDE + left + x) * 3);
    }
  }
  return { ...image, data };
}

/** AUROC of the image scores, fused and by branch. */
async function measure(teacher, images, change, ignored) {
  const load = (image) => async () => change(image);
  const detector = await trainDetector({
    source: sourceOf(
      'drawn',
      images
        .filter(({ split }) => split === 'train')
        .map((image) => ({
          id: image.path,
          split: 'train',
          label: 'good',
          defectType: 'good',
          load: load(image),
        })),
    ),
    teacher,
    input: { size: [SIDE, SIDE], ...(ignored && { ignored }) },
  });
  const tests = images.filter(({ split }) => split === 'test');
  const labels = tests.map(({ label }) => (label === 'good' ? 0 : 1));
  const predictions = [];
  for (const image of tests) predictions.push(await detector.predict(change(image)));
  detector.dispose();
  const branches = Object.keys(predictions[0].branches);
  return {
    fused: round(
      auroc(
        predictions.map(({ score }) => score),
        labels,
      ),
    ),
    ...Object.fromEntries(
      branches.map((name) => [
        name,
        round(
          auroc(
            predictions.map((each) => each.branches[name].score),
            labels,
          ),
        ),
      ]),
    ),
  };
}

async function measureAll() {
  await selectBackend('wasm');
  const { name, load } = teacherTiny();
  const teacher = await loadTeacher(name, await load());
  const rows = [];
  for (const seed of options.seeds.split(',').map(Number)) {
    const plan = planDataset({ category: options.category, train: 40, validation: 0, test: 60, seed });
    const images = plan.map(({ path: name, ...scene }) => {
      const { image, label } = generateScene({ ...scene, size: SIDE });
      return { path: name, split: scene.split, label, image };
    });
    const add = async (area, what, change, ignored) => {
      const row = {
        category: options.category,
        seed,
        area,
        what,
        auroc: await measure(teacher, images, change, ignored),
      };
      console.log(JSON.stringify(row));
      rows.push(row);
    };
    const asDrawn = ({ image }) => image;
    for (const [area, place] of Object.entries(AREAS)) {
      const change = ({ image, path: name }) =>
        disturbed(image, place, randomStream(seed, 'disturbed', name));
      const mask = maskOf(place);
      await add(area, 'nothing changes in it, ignored', asDrawn, mask);
      await add(area, 'it changes', change);
      await add(area, 'it changes, ignored', change, mask);
    }
  }
  const before = JSON.parse(await readFile(FILE, 'utf8').catch(() => '{"rows":[]}'));
  const kept = before.rows.filter(({ category }) => category !== options.category);
  await writeFile(FILE, `${JSON.stringify({ rows: [...kept, ...rows] }, null, 1)}\n`);
}

await measureAll();
process.exit(0);
