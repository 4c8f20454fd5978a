// What the page of `dskd studio` reaches by the side of the network's input: it learns 40 drawn trays of 256 px as the page does
// and inspects 60 others, good and faulty.
//
// node bench/inspector-sides.mjs   measures and writes bench/results/inspector-sides.json
//
// `node docs/site/blocks.mjs --renew` writes the tables of apps/inspector/README.md from it. Backend wasm, embedded teacher.
import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { selectBackend } from '@dskd/core/backends';
import { loadDetector, trainDetector } from '@dskd/detector';
import { auroc } from '@dskd/metrics';
import { loadTeacher } from '@dskd/models';
import { generateScene, planDataset } from '@dskd/synthetic';
import { teacherTiny } from '@dskd/teacher-tiny';
import { sourceOfScenes } from './drawn-source.mjs';
import { editDescription } from './edit-description.mjs';

const FILE = path.join(import.meta.dirname, 'results/inspector-sides.json');
/** The side was chosen by the first seeds; the others were not looked at before. */
const SEEDS = { choosing: [11, 12, 13, 14, 15, 16], reported: [1, 2, 3] };
const SIDES = [128, 192, 256];
/** As `WEIGHTS` of apps/inspector/page/worker/learning.ts. */
const PAGE_WEIGHTS = { local: 1, global: 0.5, pooled: 0.25 };
/** Of 40 images 10 give the threshold, as the page has it. */
const HOLD_OUT = 0.25;
const round = (value, digits = 4) => Number(value.toFixed(digits));

/** AUROC of faulty images, all or those of one fault, against the good ones. */
function separation(results, scoreOf, anomaly) {
  const chosen = results.filter(
    ({ scene }) => scene.label === 'good' || !anomaly || scene.anomaly === anomaly,
  );
  return round(
    auroc(
      chosen.map(scoreOf),
      chosen.map(({ scene }) => (scene.label === 'good' ? 0 : 1)),
    ),
  );
}

async function measure(teacher, scenes, side) {
  const started = performance.now();
  const learned = scenes.filter(({ scene }) => scene.split === 'train');
  const detector = await trainDetector({
    source: sourceOfScenes(learned),
    teacher,
    input: { size: [side, side] },
    calibration: { holdOutFraction: HOLD_OUT },
  });
  const seconds = round((performance.now() - started) / 1000, 1);
  const asOfPage = await loadDetector(
    editDescription(detector.save(), ({ fusion }) => {
      fusion.weights = PAGE_WEIGHTS;
    }),
  );
  const results = [];
  for (const { scene, image } of scenes.filter(({ scene: { split } }) => split === 'test')) {
    const { score, branches } = await asOfPage.predict(image);
    results.push({ scene, score, branches, ofMethod: (await detector.predict(image)).score });
  }
  for (const each of [asOfPage, detector]) each.dispose();
  const names = Object.keys(results[0].branches);
  const anomalies = [...new Set(results.flatMap(({ scene }) => scene.anomaly ?? []))].sort();
  const ofBranch = (name) => separation(results, ({ branches }) => branches[name].score);
  return {
    seconds,
    auroc: separation(results, ({ score }) => score),
    aurocWithWeightsOfMethod: separation(results, ({ ofMethod }) => ofMethod),
    branches: Object.fromEntries(names.map((name) => [name, ofBranch(name)])),
    anomalies: Object.fromEntries(
      anomalies.map((name) => [name, separation(results, ({ score }) => score, name)]),
    ),
  };
}

await selectBackend('wasm');
const { name, load } = teacherTiny();
const teacher = await loadTeacher(name, await load());
const rows = [];
for (const [use, seeds] of Object.entries(SEEDS)) {
  for (const seed of seeds) {
    const plan = planDataset({ category: 'tray', train: 40, validation: 0, test: 60, seed });
    const scenes = plan.map((scene) => {
      const { path: _, ...drawn } = scene;
      const { image, label } = generateScene({ ...drawn, size: 256 });
      return { scene: { ...scene, label }, image };
    });
    for (const side of SIDES) {
      const row = { use, seed, side, ...(await measure(teacher, scenes, side)) };
      console.log(JSON.stringify(row));
      rows.push(row);
    }
  }
}
const machine = `${os.cpus().length} cores, Node ${process.version}`;
await writeFile(FILE, `${JSON.stringify({ machine, rows }, null, 1)}\n`);
process.exit(0);
