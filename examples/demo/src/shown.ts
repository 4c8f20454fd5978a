import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { HistoryEntry } from '@dskd/base';
import type { ImageSource } from '@dskd/data';
import { evaluateDetector, type DetectorDescription } from '@dskd/detector';
import { saveDetectorFile } from '@dskd/detector/node';
import type { EvaluationResult } from '@dskd/metrics';
import { heatScaleOf, type GalleryImage, type HeatScale } from '@dskd/report';
import { imageAurocs, type ImageAuroc } from './auroc-table.js';
import { galleryImage } from './gallery.js';
import type { Progress } from './progress.js';
import type { Settings } from './settings.js';
import { stopwatch } from './stopwatch.js';
import { train, type ShownMethod } from './train.js';

/** What a method found, as plain data. */
export interface MethodResult {
  readonly seconds: Readonly<Record<'training' | 'evaluating', number>>;
  /** Of its file, teacher inside. */
  readonly bytes: number;
  /** Optimizer steps; 0 for a method without students. */
  readonly steps: number;
  /** By branch, and fused. */
  readonly imageAuroc: Readonly<Record<string, ImageAuroc>>;
  readonly evaluation: EvaluationResult;
}

/** The same with what the page shows of it. */
export interface Shown {
  readonly method: ShownMethod;
  readonly result: MethodResult;
  readonly description: DetectorDescription;
  readonly scale: HeatScale;
  readonly gallery: readonly GalleryImage[];
  readonly history: readonly HistoryEntry[];
}

export interface ShowContext {
  /** Where the detector is saved, as `METHOD.safetensors`. */
  readonly folder: string;
  readonly source: ImageSource;
  readonly settings: Settings;
  readonly anomalyOf: (id: string) => string | undefined;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Trains a detector by `method`, evaluates it on the test images and saves it. */
export async function show(
  method: ShownMethod,
  { folder, source, settings, anomalyOf, progress, signal }: ShowContext,
): Promise<Shown> {
  const { seed, epochs, test } = settings;
  const clock = stopwatch();
  using trained = await train(method, source, { seed, epochs }, progress, signal);
  const { detector, history } = trained;
  const training = clock();

  progress.say(`Scoring ${test} test images.`);
  const { description } = detector;
  const scale = heatScaleOf(description.calibration.scores, detector.threshold);
  const gallery: GalleryImage[] = [];
  const evaluation = await evaluateDetector(detector, source, {
    onImage: async (image) => {
      const options = { scale, fusion: description.fusion.rule, images: test, anomalyOf };
      gallery.push(await galleryImage(image, options));
    },
    onEvent: progress.listener,
    signal,
  });
  const evaluating = clock();

  const file = path.join(folder, `${method}.safetensors`);
  await saveDetectorFile(detector, file);
  const { steps = 0 } = description.trainings[0]!.fit as { readonly steps?: number };
  const result: MethodResult = {
    seconds: { training, evaluating },
    bytes: (await stat(file)).size,
    steps,
    imageAuroc: imageAurocs(evaluation),
    evaluation,
  };
  return { method, result, description, scale, gallery, history };
}
