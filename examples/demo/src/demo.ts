import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { openSource } from '@dskd/data/node';
import type { EvaluationResult } from '@dskd/metrics';
import { renderReport, type Comparison } from '@dskd/report';
import { GENERATOR_VERSION } from '@dskd/synthetic';
import { writeDataset } from '@dskd/synthetic/node';
import { inGroups, withMapsOf } from './gallery.js';
import { RECORD } from './output-folder.js';
import type { Progress } from './progress.js';
import { commandOf, type Settings } from './settings.js';
import { show, type MethodResult, type Shown } from './shown.js';
import { stopwatch } from './stopwatch.js';
import { INPUT_SIZE, type ShownMethod } from './train.js';

/** What a demo found, as plain data: all of it but the samples is printed, too. */
export interface DemoResult {
  readonly command: string;
  readonly settings: Omit<Settings, 'out'>;
  readonly generatorVersion: number;
  readonly teacher: { readonly name: string; readonly sha256: string };
  readonly seconds: { readonly drawing: number };
  readonly methods: Readonly<Record<ShownMethod, MethodResult>>;
}

/** Draws images, trains two detectors on the good ones, evaluates them on others, and writes it all into `folder`. */
export async function demo(
  folder: string,
  settings: Settings,
  progress: Progress,
  signal: AbortSignal,
): Promise<DemoResult> {
  const { category, dataSeed, seed, epochs, train: toTrain, validation, test } = settings;
  const clock = stopwatch();

  progress.say(`Drawing ${toTrain + validation + test} images of the category ${category}.`);
  const root = path.join(folder, 'images');
  const counts = { train: toTrain, validation, test };
  const { images } = await writeDataset(root, {
    category,
    size: INPUT_SIZE,
    seed: dataSeed,
    ...counts,
    signal,
  });
  const anomalies = new Map(images.map((image) => [`${image.path}.png`, image.anomaly]));
  const source = await openSource({ root, category, signal });
  const drawing = clock();

  const anomalyOf = (id: string): string | undefined => anomalies.get(id);
  const context = { folder, source, settings, anomalyOf, progress, signal };
  progress.say(`Fitting instant, the default method, on ${toTrain} good images.`);
  const instant = await show('instant', context);
  progress.say(`Training the local and the global student of dskd on the same images, ${epochs} epochs.`);
  const dskd = await show('dskd', context);

  const { teacher } = instant.description;
  const result: DemoResult = {
    command: commandOf(settings),
    settings: { category, dataSeed, seed, epochs, train: toTrain, validation, test },
    generatorVersion: GENERATOR_VERSION,
    teacher: { name: teacher!.name, sha256: teacher!.sha256 },
    seconds: { drawing },
    methods: { instant: instant.result, dskd: dskd.result },
  };
  await writeFile(path.join(folder, 'index.html'), pageOf(result, instant, dskd));
  await writeFile(path.join(folder, 'scores.csv'), csv([instant, dskd], anomalies));
  await writeFile(path.join(folder, RECORD), `${JSON.stringify(result, null, 2)}\n`);
  return result;
}

/** Both detectors in one page: what they are worth, and their maps of every test image. */
function pageOf(result: DemoResult, instant: Shown, dskd: Shown): string {
  const { category, train: toTrain, test } = result.settings;
  const { calibration, threshold, fusion } = instant.description;
  const second = { name: 'dskd', threshold: dskd.description.threshold.value, gallery: dskd.gallery };
  return renderReport({
    title: `dskd demo: ${category}`,
    subtitle:
      `Two detectors learned from the same ${toTrain} images of good parts and were tested on ${test} others. ` +
      'One is instant, the default method; the other is dskd, the two students of the paper. ' +
      'Metrics, curves and verdicts below the first table are those of instant. ' +
      'The images show the heat maps of both. Each detector has its own color scale; orange is its threshold.',
    comparisons: [comparisonOf([instant, dskd])],
    evaluation: instant.result.evaluation,
    gallery: inGroups(withMapsOf(second, instant.gallery)),
    heatScale: instant.scale,
    fusion: fusion.rule,
    training: dskd.history,
    calibration: {
      scores: calibration.scores,
      threshold: threshold.value,
      falseAlarmRate: threshold.falseAlarmRate,
      guaranteed: threshold.guaranteed,
      images: calibration.images,
    },
    facts: factsOf(result, instant.description),
  });
}

function comparisonOf(shown: readonly Shown[]): Comparison {
  return {
    title: 'Image AUROC of each branch alone and of all together; seconds of the fit with its calibration',
    columns: ['method', 'structural', 'logical', 'mean', 'seconds', 'false alarms', 'missed'],
    rows: shown.flatMap(({ method, result: { imageAuroc, seconds, evaluation } }) =>
      Object.entries(imageAuroc).map(([branch, { structural, logical, mean }]) => {
        const { atThreshold, images } = evaluation;
        const whole = [
          seconds.training.toFixed(0),
          `${atThreshold.falseAlarms} of ${images.good}`,
          `${atThreshold.misses} of ${images.anomalous}`,
        ];
        return [
          `${method}: ${branch}`,
          ...[structural, logical, mean].map((value) => value.toFixed(3)),
          ...(branch === 'fused' ? whole : ['', '', '']),
        ];
      }),
    ),
  };
}

function factsOf(
  { command, teacher, methods, generatorVersion, settings }: DemoResult,
  { trainings }: Shown['description'],
): { label: string; value: string }[] {
  const { versions, dataFingerprint } = trainings[0]!;
  return [
    { label: 'command', value: command },
    {
      label: 'images',
      value: `@dskd/synthetic, generator ${generatorVersion}, ${settings.category}, seed ${settings.dataSeed}`,
    },
    { label: 'data fingerprint', value: dataFingerprint },
    { label: 'teacher', value: `${teacher.name}, SHA-256 ${teacher.sha256}` },
    {
      label: 'training',
      value: `seed ${settings.seed}; dskd: ${settings.epochs} epochs, ${methods.dskd.steps} steps`,
    },
    {
      label: 'versions',
      value: Object.entries({ ...versions, node: process.version })
        .map(([name, version]) => `${name} ${version}`)
        .join('\n'),
    },
  ];
}

/** One line per test image; nothing in it needs quotes. */
function csv(shown: readonly Shown[], anomalies: ReadonlyMap<string, string | undefined>): string {
  const columns = shown.flatMap(({ method, result }) => {
    const { samples } = result.evaluation;
    const of = (name: string, value: (sample: EvaluationResult['samples'][number]) => string | number) => ({
      name: `${method} ${name}`,
      values: samples.map(value),
    });
    return [
      of('verdict', ({ verdict }) => verdict),
      of('fused', ({ score }) => score),
      ...Object.keys(samples[0]!.branchScores).map((branch) =>
        of(branch, ({ branchScores }) => branchScores[branch]!),
      ),
    ];
  });
  const rows = shown[0]!.result.evaluation.samples.map(({ id, label, defectType }, index) =>
    [id, label, defectType, anomalies.get(id) ?? '', ...columns.map(({ values }) => values[index])].join(','),
  );
  return [`image,label,kind,anomaly,${columns.map(({ name }) => name).join(',')}`, ...rows, ''].join('\n');
}
