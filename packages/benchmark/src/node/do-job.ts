import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DskdError, type PixelBuffer } from '@dskd/base';
import { gcadAugmentation, type ImageSource, prepareMask, preparePixels, type Sample } from '@dskd/data';
import { encodeImage, openSource, writeFileAtomically } from '@dskd/data/node';
import {
  combineDetectors,
  type Detector,
  estimateTraining,
  evaluateCombinations,
  loadDetector,
  type ScoreMap,
  trainDetector,
  type TrainDetectorOptions,
} from '@dskd/detector';
import { saveDetectorFile } from '@dskd/detector/node';
import { backboneInfo, loadTeacher, type Teacher } from '@dskd/models';
import { drawContour, heatMapOverlay, heatScaleOf } from '@dskd/report';
import { branchName, type CategoryFacts, type Cell, type TeacherFile } from '../cell.js';
import type { Combination } from '../job.js';
import type { EstimateJob, EvaluateJob, Job, JobCost, PanelJob, Quality, TrainJob } from '../job.js';
import { CellStore } from './cell-store.js';

/**
 * Reads a teacher's weight file and hashes it.
 * @throws {DskdError} `file-not-found`, `invalid-argument` (unknown backbone)
 */
export async function teacherFile(name: string, file: string): Promise<TeacherFile> {
  const known = backboneInfo(name).name;
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new DskdError('file-not-found', `Cannot read the teacher's weights, ${file}.`, {
      hint: 'pullWeights of @dskd/weights/node downloads the published weights.',
      details: { teacher: known, file },
      cause,
    });
  });
  return { name: known, file, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/**
 * Cost of scoring a batch relative to a training step: scoring needs only the forward passes of teacher and student.
 */
const SCORING_SHARE = 1 / 2;

/** Estimates the cost of training a cell on this machine, from its first steps. */
export async function estimateCell({ cell, category }: EstimateJob, signal: AbortSignal): Promise<JobCost> {
  const source = await openCategory(category, signal);
  const teacher = await teacherOf(cell);
  try {
    const { bytes, seconds, secondsPerStep } = await estimateTraining({
      ...trainingOf(cell, source, teacher),
      signal,
    });
    const batches = category.images.test / Math.min(cell.facts.training.batchSize, category.images.train);
    const scoringSeconds = batches * (secondsPerStep ?? 0) * SCORING_SHARE;
    return { bytes, seconds: seconds ?? 0, scoringSeconds };
  } finally {
    teacher.dispose();
  }
}

/** Opens a category's images. */
export function openCategory(
  { root, subsets }: Pick<CategoryFacts, 'root' | 'subsets'>,
  signal?: AbortSignal,
): Promise<ImageSource> {
  return openSource({
    root,
    ...(subsets !== undefined && { subsets }),
    ...(signal && { signal }),
  });
}

/** Loads the teacher of a cell; the caller disposes it. */
export async function teacherOf({ facts, teacherFile }: Cell): Promise<Teacher> {
  return loadTeacher(backboneInfo(facts.teacher.name).name, await readFile(teacherFile));
}

/** Options of `trainDetector` for a cell. */
export function trainingOf(cell: Cell, source: ImageSource, teacher: Teacher): TrainDetectorOptions {
  const { facts } = cell;
  const { name: objective, temperature } = facts.objective;
  const { fit, augment, preset, epochs, batchSize, reestimateBatchNorm, holdOut, ...rest } = facts.training;
  return {
    source,
    teacher,
    method: 'dskd',
    options: {
      preset,
      ...(facts.gccb && { gccb: facts.gccb }),
      ...(facts.initialize && { initialize: { global: facts.initialize } }),
      branches: {
        [branchName(cell)]: {
          branch: facts.branch,
          objective: { name: objective, options: temperature === undefined ? {} : { temperature } },
          optimizer: { learningRate: facts.learningRate },
        },
      },
      epochs,
      batchSize,
      reestimateBatchNorm,
    },
    input: {
      size: facts.inputSize,
      fit,
      ...(augment === 'gcad' && { augmentation: gcadAugmentation(facts.category) }),
    },
    calibration: {
      holdOutFraction: holdOut,
      onTrainingImages: rest.calibrateOnTraining,
      statisticsOn: rest.statisticsOn,
      ...(rest.sigma !== undefined && { sigma: rest.sigma }),
    },
    seed: facts.seed,
  };
}

/** Trains one student on the current backend and writes it to the store. */
export async function trainCell(
  { cell, category, store: folder }: TrainJob,
  signal: AbortSignal,
): Promise<void> {
  const started = performance.now();
  const store = new CellStore(folder);
  const source = await openCategory(category, signal);
  const teacher = await teacherOf(cell);
  try {
    const detector = await trainDetector({ ...trainingOf(cell, source, teacher), signal });
    try {
      const bytes = detector.save({ embedTeacher: false });
      await saveDetectorFile(detector, store.studentFile(cell), { embedTeacher: false });
      const { steps, finalLosses } = detector.description.trainings[0]!.fit as {
        readonly steps: number;
        readonly finalLosses: Readonly<Record<string, number>>;
      };
      await store.finishTraining(cell, {
        finalLoss: finalLosses[branchName(cell)]!,
        steps,
        seconds: (performance.now() - started) / 1000,
        bytes: bytes.byteLength,
      });
    } finally {
      detector.dispose();
    }
  } finally {
    teacher.dispose();
  }
}

/** Maximum total file size of the students in memory. More students are scored in several passes over the images. */
const STUDENT_BYTES = 1.5 * 2 ** 30;

/**
 * Divides combinations into groups. The students of each group take at most `limit` bytes, unless the group is a
 * single combination.
 */
export function passesOf(
  combinations: readonly Combination[],
  bytesOf: ReadonlyMap<string, number>,
  limit = STUDENT_BYTES,
): Combination[][] {
  const passes: Combination[][] = [];
  let ids = new Set<string>();
  const total = (all: Iterable<string>): number =>
    [...all].reduce((sum, id) => sum + (bytesOf.get(id) ?? 0), 0);
  for (const combination of combinations) {
    const together = new Set([...ids, ...combination.cells]);
    const fits = passes.length > 0 && total(together) <= limit;
    if (fits) passes.at(-1)!.push(combination);
    else passes.push([combination]);
    ids = fits ? together : new Set(combination.cells);
  }
  return passes;
}

/** Scores the test images with each student, once per pass, on the current backend, and stores the metrics. */
export async function evaluateCells(job: EvaluateJob, signal: AbortSignal): Promise<Quality[]> {
  const store = new CellStore(job.store);
  const source = await openCategory(job.category, signal);
  const bytesOf = new Map<string, number>();
  for (const cell of job.cells) bytesOf.set(cell.id, (await store.trained(cell))?.bytes ?? 0);
  const qualities = new Map<string, Quality>();
  const teacher = await teacherOf(job.cells[0]!);
  try {
    for (const pass of passesOf(job.combinations, bytesOf)) {
      const cells = job.cells.filter(({ id }) => pass.some((each) => each.cells.includes(id)));
      const names = new Map(cells.map((cell) => [cell.id, branchName(cell)]));
      const wanted = Object.fromEntries(
        pass.map((each) => [each.id, each.cells.map((id) => names.get(id)!)]),
      );
      const found = await withCombined(cells, { store, source, teacher, signal }, (detector) =>
        evaluateCombinations(detector, source, wanted, { signal }),
      );
      for (const combination of pass) {
        const { imageAuroc, imageAurocByDefect, pixelAuroc, auPro, auSpro } = found[combination.id]!;
        const quality = { imageAuroc, imageAurocByDefect, pixelAuroc, auPro, auSpro };
        await store.finishEvaluation(combination, quality);
        qualities.set(combination.id, quality);
      }
    }
  } finally {
    teacher.dispose();
  }
  return job.combinations.map(({ id }) => qualities.get(id)!);
}

export interface CombinedUse {
  readonly store: CellStore;
  readonly source: ImageSource;
  readonly teacher: Teacher;
  readonly signal: AbortSignal;
}

/**
 * Runs `use` with a detector made of the students of `cells`, read from the store. The detector is disposed
 * afterwards.
 */
export async function withCombined<T>(
  cells: readonly Cell[],
  { store, source, teacher, signal }: CombinedUse,
  use: (detector: Detector) => Promise<T>,
): Promise<T> {
  const files = await Promise.all(cells.map((cell) => readFile(store.studentFile(cell))));
  const detectors = await loadDetector(files, { teachers: [teacher] });
  let combined: Detector | undefined;
  try {
    if (detectors.length > 1) combined = await combineDetectors(detectors, { source, signal });
    return await use(combined ?? detectors[0]!);
  } finally {
    combined?.dispose();
    for (const detector of detectors) detector.dispose();
  }
}

/** Runs a job on the current backend, in this process. */
export async function doJob(job: Job, signal: AbortSignal): Promise<unknown> {
  switch (job.kind) {
    case 'train':
      return trainCell(job, signal);
    case 'evaluate':
      return evaluateCells(job, signal);
    case 'estimate':
      return estimateCell(job, signal);
    case 'panels':
      return drawPanels(job, signal);
  }
}

/** Gap between panels in pixels, white. */
const GAP = 4;

/** Arranges images of the same size in a grid. */
export function tile(rows: readonly (readonly PixelBuffer[])[]): PixelBuffer {
  const [{ width, height }] = rows[0] as [PixelBuffer];
  const columns = Math.max(...rows.map((row) => row.length));
  const total = { width: columns * (width + GAP) - GAP, height: rows.length * (height + GAP) - GAP };
  const data = new Uint8Array(total.width * total.height * 3).fill(255);
  rows.forEach((row, down) => {
    row.forEach((panel, across) => {
      for (let y = 0; y < height; y++) {
        const from = y * width * 3;
        const to = ((down * (height + GAP) + y) * total.width + across * (width + GAP)) * 3;
        data.set(panel.data.subarray(from, from + width * 3), to);
      }
    });
  });
  return { data, ...total, channels: 3 };
}

/** The first anomalous test image of each type, so that the images are not selected by hand. */
function firstOfEachKind(source: ImageSource): Sample[] {
  const kinds = new Map<string, Sample>();
  for (const sample of source.samples) {
    if (sample.split !== 'test' || sample.label === 'good' || kinds.has(sample.defectType)) continue;
    kinds.set(sample.defectType, sample);
  }
  // Structural anomalies come first in the paper's figures.
  return [...kinds.values()].sort((a, b) => (a.defectType > b.defectType ? -1 : 1));
}

/**
 * Draws a map over the image. On the color scale the highest score of the normal calibration images is the middle;
 * lower scores leave the image unchanged.
 */
function overlay(image: PixelBuffer, map: ScoreMap, normalScores: readonly number[]): PixelBuffer {
  return heatMapOverlay(image, map, heatScaleOf(normalScores, Math.max(...normalScores)));
}

async function panelsOf(
  detector: Detector,
  sample: Sample,
  branches: readonly string[],
): Promise<PixelBuffer[]> {
  const [height, width] = detector.inputSize;
  const { resize, branches: described, calibration } = detector.description;
  const loaded = await sample.load();
  const prediction = await detector.predict(loaded);
  const input = preparePixels(loaded, { height, width, fit: resize.fit });
  const mask = sample.loadMask && prepareMask(await sample.loadMask(), { height, width, fit: resize.fit });
  const scoresOf = (name: string): readonly number[] =>
    described.find((branch) => branch.name === name)!.calibrationScores;
  return [
    input,
    mask ? drawContour(input, mask) : input,
    ...branches.map((name) => overlay(input, prediction.branches[name]!.map!, scoresOf(name))),
    overlay(input, prediction.map, calibration.scores),
  ];
}

/**
 * Draws a figure of one category as a PNG, on the current backend: one row per type of anomaly with the image, its
 * ground truth, the map of each student and their sum.
 */
export async function drawPanels(job: PanelJob, signal: AbortSignal): Promise<void> {
  const store = new CellStore(job.store);
  const source = await openCategory(job.category, signal);
  const teacher = await teacherOf(job.cells[0]!);
  try {
    await withCombined(job.cells, { store, source, teacher, signal }, async (detector) => {
      const rows: PixelBuffer[][] = [];
      for (const sample of firstOfEachKind(source)) {
        rows.push(await panelsOf(detector, sample, job.cells.map(branchName)));
      }
      if (rows.length > 0) await writeFileAtomically(job.file, await encodeImage(tile(rows)));
    });
  } finally {
    teacher.dispose();
  }
}
