// What a lesson does: false alarms of one half of the test normals are taught (`detector.extend`), then the false alarms
// of the other half and the misses are counted, before and after. Method `instant` on the demo's images (tray, 256 px,
// 200 to train on, 40 to calibrate on, 90 to test on), several data seeds, both halves in turn. First on test images like
// the training images, at several rates of false alarms: there each false alarm is a case of its own. Then, at the
// default rate, with what feedback is for: test images in another light, or less sharp, which raise false alarms in
// numbers. node bench/teach.mjs [--seeds 7,101,102] writes bench/results/teach.json.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { selectBackend } from '@dskd/core/backends';
import { sourceOf } from '@dskd/data';
import { loadDetector, trainDetector } from '@dskd/detector';
import { loadTeacher } from '@dskd/models';
import { quantileThreshold } from '@dskd/scoring';
import { GENERATOR_VERSION, generateScene, planDataset } from '@dskd/synthetic';
import { teacherTiny } from '@dskd/teacher-tiny';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '7,101,102,103' },
    changes: { type: 'string', default: 'none,light,focus' },
    rates: { type: 'string', default: '0.05,0.1,0.2' },
    category: { type: 'string', default: 'tray' },
    // Folder of detectors that an earlier run fitted, to try other lessons with them.
    cache: { type: 'string' },
    out: { type: 'string', default: new URL('results/teach.json', import.meta.url).pathname },
  },
});
/** What became different after the training, in every test image. */
const CHANGES = {
  none: (image) => image,
  light: ({ data, ...rest }) => ({ ...rest, data: data.map((value, i) => value * [0.8, 0.75, 0.65][i % 3]) }),
  focus: blurred,
};

/** The mean of each pixel and its neighbors. */
function blurred({ data, width, height, channels }) {
  const at = (x, y, channel) =>
    data[
      (Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))) * channels +
        channel
    ];
  const result = data.map((_, i) => {
    const channel = i % channels;
    const x = Math.floor(i / channels) % width;
    const y = Math.floor(i / channels / width);
    let sum = 0;
    for (let row = -1; row <= 1; row++) {
      for (let column = -1; column <= 1; column++) sum += at(x + column, y + row, channel);
    }
    return Math.round(sum / 9);
  });
  return { data: result, width, height, channels };
}

const SIZE = 256;
const COUNTS = { train: 200, validation: 40, test: 90 };
const DEFAULT_RATE = 0.05;
/** Each change with the rates of false alarms that it is tried at. */
const cases = values.changes.split(',').flatMap((change) =>
  (change === 'none' ? values.rates.split(',').map(Number) : [DEFAULT_RATE]).map((rate) => ({
    change,
    rate,
  })),
);

await selectBackend('wasm');
const embedded = teacherTiny();
const plain = await loadTeacher(embedded.name, await embedded.load());
const teacher = { ...plain, extractor: remembering(plain.extractor) };
const round = (seconds) => Number(seconds.toFixed(1));

function samplesOf(seed) {
  return planDataset({ category: values.category, ...COUNTS, seed }).map((planned) => {
    const { path, split, label } = planned;
    const image = generateScene({ ...planned, size: SIZE }).image;
    const good = label === 'good';
    return {
      id: `${path}.png`,
      split,
      label: good ? 'good' : 'anomalous',
      defectType: label,
      load: () => Promise.resolve(image),
    };
  });
}

/** The bytes of the detector of a data seed. */
async function fitted(seed, source) {
  const cached = values.cache && path.join(values.cache, `${values.category}-${seed}.safetensors`);
  if (cached && existsSync(cached)) return readFile(cached);
  const trained = await trainDetector({ source, teacher, method: 'instant', input: { size: [SIZE, SIZE] } });
  const file = trained.save({ embedTeacher: false });
  trained.dispose();
  if (cached) {
    await mkdir(values.cache, { recursive: true });
    await writeFile(cached, file);
  }
  return file;
}

async function scoresOf(detector, samples) {
  const scores = [];
  for (const sample of samples) scores.push((await detector.predict(await sample.load())).score);
  return scores;
}

/** Features of test images are asked for again and again: kept by the bytes of the image, they do not change. */
function remembering(extractor) {
  const known = new Map();
  const extract = async (images) => {
    if (images.shape[0] > 1) return extractor.extract(images);
    const key = createHash('sha1')
      .update(new Uint8Array((await images.data()).slice().buffer))
      .digest('hex');
    if (!known.has(key)) {
      const levels = await extractor.extract(images);
      const kept = await Promise.all(
        levels.map(async (level) => [(await level.data()).slice(), level.shape]),
      );
      tf.dispose(levels);
      known.set(key, kept);
    }
    return known.get(key).map(([data, shape]) => tf.tensor(data, shape));
  };
  return {
    name: extractor.name,
    levels: extractor.levels,
    inputTransform: extractor.inputTransform,
    outputShapes: (size) => extractor.outputShapes(size),
    dispose: () => extractor.dispose(),
    extract,
    forget: () => known.clear(),
  };
}

const above = (scores, threshold) => scores.filter((score) => score > threshold).length;

const runs = [];
for (const seed of values.seeds.split(',').map(Number)) {
  teacher.extractor.forget();
  const samples = samplesOf(seed);
  const source = sourceOf(values.category, samples);
  const file = await fitted(seed, source);
  const scored = new Map();
  for (const change of values.changes.split(',')) {
    const test = samples
      .filter(({ split }) => split === 'test')
      .map((sample) => ({ ...sample, load: async () => CHANGES[change](await sample.load()) }));
    const normals = test.filter(({ label }) => label === 'good');
    const faults = test.filter(({ label }) => label === 'anomalous');
    const middle = Math.ceil(normals.length / 2);
    const halves = [normals.slice(0, middle), normals.slice(middle)];
    const untaught = await loadDetector(file, { teacher });
    const before = {
      halves: [await scoresOf(untaught, halves[0]), await scoresOf(untaught, halves[1])],
      faults: await scoresOf(untaught, faults),
    };
    untaught.dispose();
    scored.set(change, { halves, faults, before });
  }
  for (const { change, rate } of cases) {
    const { halves, faults, before } = scored.get(change);
    for (const taughtHalf of [0, 1]) {
      const detector = await loadDetector(file, { teacher });
      const { calibration } = detector.description;
      const chosen = quantileThreshold(calibration.scores, rate);
      const { threshold: old } = chosen;
      detector.changeCalibration({
        threshold: { value: old, falseAlarmRate: rate, guaranteed: chosen.guaranteed },
      });
      const other = 1 - taughtHalf;
      const lesson = halves[taughtHalf].filter((_, index) => before.halves[taughtHalf][index] > old);
      const run = {
        seed,
        change,
        rate,
        taughtHalf: taughtHalf + 1,
        taught: lesson.length,
        falseAlarmsOfOtherHalf: { of: halves[other].length, before: above(before.halves[other], old) },
        misses: { of: faults.length, before: faults.length - above(before.faults, old) },
        threshold: { before: old },
      };
      if (lesson.length > 0) {
        const start = performance.now();
        const given = sourceOf(
          'false alarms',
          lesson.map((sample) => ({ ...sample, split: 'train' })),
        );
        const { threshold, alarms } = await detector.extend(given, { batchSize: 1 });
        run.lessonSeconds = round((performance.now() - start) / 1000);
        run.alarmsOfLesson = alarms;
        run.threshold.after = threshold.after;
        const after = {
          other: await scoresOf(detector, halves[other]),
          faults: await scoresOf(detector, faults),
        };
        run.falseAlarmsOfOtherHalf.after = above(after.other, threshold.after);
        run.misses.after = faults.length - above(after.faults, threshold.after);
        run.atOldThreshold = {
          falseAlarmsOfOtherHalf: above(after.other, old),
          misses: faults.length - above(after.faults, old),
        };
      }
      detector.dispose();
      runs.push(run);
      console.log(JSON.stringify(run));
    }
  }
}
plain.dispose();

const taught = runs.filter(({ taught }) => taught > 0);
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
const summary = cases.map(({ change, rate }) => {
  const own = taught.filter((run) => run.rate === rate && run.change === change);
  const of = (key, when) => sum(own.map((run) => run[key][when]));
  return {
    change,
    rate,
    lessons: own.length,
    imagesTaught: sum(own.map((run) => run.taught)),
    falseAlarmsOfOtherHalf: {
      before: of('falseAlarmsOfOtherHalf', 'before'),
      after: of('falseAlarmsOfOtherHalf', 'after'),
      atOldThreshold: sum(own.map((run) => run.atOldThreshold.falseAlarmsOfOtherHalf)),
    },
    misses: {
      of: sum(own.map((run) => run.misses.of)),
      before: of('misses', 'before'),
      after: of('misses', 'after'),
      atOldThreshold: sum(own.map((run) => run.atOldThreshold.misses)),
      mostMoreInOneRun: Math.max(...own.map((run) => run.misses.after - run.misses.before), 0),
    },
  };
});
console.table(
  summary.map(({ change, rate, lessons, imagesTaught, falseAlarmsOfOtherHalf: alarms, misses }) => ({
    change,
    rate,
    lessons,
    'images taught': imagesTaught,
    'false alarms of the other half': `${alarms.before} -> ${alarms.after}`,
    [`misses`]: `${misses.before} -> ${misses.after} of ${misses.of}`,
    'most more misses': misses.mostMoreInOneRun,
  })),
);
await writeFile(
  values.out,
  `${JSON.stringify(
    {
      command: `node bench/teach.mjs --seeds ${values.seeds} --changes ${values.changes} --rates ${values.rates} --category ${values.category}`,
      machine: `${os.cpus().length} cores (${os.cpus()[0].model}), node ${process.version}`,
      generatorVersion: GENERATOR_VERSION,
      method: 'instant',
      size: SIZE,
      counts: COUNTS,
      summary,
      runs,
    },
    null,
    2,
  )}\n`,
);
