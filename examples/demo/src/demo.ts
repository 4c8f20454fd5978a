import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { openSource } from '@dskd/data/node';
import { evaluateDetector, type Detector } from '@dskd/detector';
import type { EvaluationResult } from '@dskd/metrics';
import { saveDetectorFile } from '@dskd/detector/node';
import { heatScaleOf, renderReport, type GalleryImage } from '@dskd/report';
import { GENERATOR_VERSION } from '@dskd/synthetic';
import { writeDataset } from '@dskd/synthetic/node';
import { imageAurocs, type ImageAuroc } from './auroc-table.js';
import { galleryImage, inGroups } from './gallery.js';
import { RECORD } from './output-folder.js';
import type { Progress } from './progress.js';
import { commandOf, type Settings } from './settings.js';
import { INPUT_SIZE, train } from './train.js';

/** What a demo found, as plain data: all of it but the samples is printed, too. */
export interface DemoResult {
  readonly command: string;
  readonly settings: Omit<Settings, 'out'>;
  readonly generatorVersion: number;
  readonly teacher: { readonly name: string; readonly sha256: string };
  readonly steps: number;
  readonly seconds: Readonly<Record<'drawing' | 'training' | 'evaluating', number>>;
  /** By branch, and fused. */
  readonly imageAuroc: Readonly<Record<string, ImageAuroc>>;
  readonly evaluation: EvaluationResult;
}

/** Draws images, trains a detector on the good ones, evaluates it on others, and writes it all into `folder`. */
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

  progress.say(`Training the local and the global student on ${toTrain} good ones, ${epochs} epochs.`);
  using trained = await train(source, { seed, epochs }, progress, signal);
  const { detector, history } = trained;
  const training = clock();

  progress.say(`Scoring ${test} test images.`);
  const scale = heatScaleOf(detector.description.calibration.scores, detector.threshold);
  const gallery: GalleryImage[] = [];
  const evaluation = await evaluateDetector(detector, source, {
    onImage: async (image) => {
      const anomalyOf = (id: string): string | undefined => anomalies.get(id);
      gallery.push(await galleryImage(image, { scale, images: test, anomalyOf }));
    },
    onEvent: progress.listener,
    signal,
  });
  const evaluating = clock();

  const { teacher, trainings } = detector.description;
  const result: DemoResult = {
    command: commandOf(settings),
    settings: { category, dataSeed, seed, epochs, train: toTrain, validation, test },
    generatorVersion: GENERATOR_VERSION,
    teacher: { name: teacher!.name, sha256: teacher!.sha256 },
    steps: (trainings[0]!.fit as { readonly steps: number }).steps,
    seconds: { drawing, training, evaluating },
    imageAuroc: imageAurocs(evaluation),
    evaluation,
  };
  const page = renderReport({
    title: `dskd demo: ${category}`,
    subtitle: `A detector that saw ${toTrain} images of good parts and no faulty one, and what it says of ${test} others.`,
    evaluation,
    gallery: inGroups(gallery),
    heatScale: scale,
    training: history,
    calibration: calibrationOf(detector),
    facts: factsOf(result, detector),
  });
  await saveDetectorFile(detector, path.join(folder, 'model.safetensors'));
  await writeFile(path.join(folder, 'index.html'), page);
  await writeFile(path.join(folder, 'scores.csv'), csv(evaluation, anomalies));
  await writeFile(path.join(folder, RECORD), `${JSON.stringify(result, null, 2)}\n`);
  return result;
}

/** Seconds since it was last asked. */
function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const seconds = (performance.now() - last) / 1000;
    last = performance.now();
    return Number(seconds.toFixed(1));
  };
}

function calibrationOf({ description }: Detector): Parameters<typeof renderReport>[0]['calibration'] {
  const { calibration, threshold } = description;
  return {
    scores: calibration.scores,
    threshold: threshold.value,
    falseAlarmRate: threshold.falseAlarmRate,
    guaranteed: threshold.guaranteed,
    images: calibration.images,
  };
}

function factsOf(
  { command, teacher, steps, generatorVersion, settings }: DemoResult,
  { description }: Detector,
): { label: string; value: string }[] {
  const { versions, dataFingerprint } = description.trainings[0]!;
  return [
    { label: 'command', value: command },
    {
      label: 'images',
      value: `@dskd/synthetic, generator ${generatorVersion}, ${settings.category}, seed ${settings.dataSeed}`,
    },
    { label: 'data fingerprint', value: dataFingerprint },
    { label: 'teacher', value: `${teacher.name}, SHA-256 ${teacher.sha256}` },
    { label: 'training', value: `seed ${settings.seed}, ${settings.epochs} epochs, ${steps} steps` },
    {
      label: 'versions',
      value: Object.entries({ ...versions, node: process.version })
        .map(([name, version]) => `${name} ${version}`)
        .join('\n'),
    },
  ];
}

/** One line per test image; nothing in it needs quotes. */
function csv({ samples }: EvaluationResult, anomalies: ReadonlyMap<string, string | undefined>): string {
  const branches = Object.keys(samples[0]!.branchScores);
  const rows = samples.map(({ id, label, defectType, verdict, score, branchScores }) =>
    [
      id,
      label,
      defectType,
      anomalies.get(id) ?? '',
      verdict,
      score,
      ...branches.map((name) => branchScores[name]),
    ].join(','),
  );
  return [`image,label,kind,anomaly,verdict,fused,${branches.join(',')}`, ...rows, ''].join('\n');
}
