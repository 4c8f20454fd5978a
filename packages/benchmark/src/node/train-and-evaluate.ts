import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DskdError } from '@dskd/base';
import { gcadAugmentation, type ImageSource } from '@dskd/data';
import { openSource } from '@dskd/data/node';
import {
  combineDetectors,
  type Detector,
  estimateTraining,
  evaluateCombinations,
  evaluateDetector,
  loadDetector,
  trainDetector,
  type TrainDetectorOptions,
} from '@dskd/detector';
import { saveDetectorFile } from '@dskd/detector/node';
import { createMethod } from '@dskd/methods';
import { backboneInfo, loadTeacher, type Teacher } from '@dskd/models';
import {
  branchName,
  type CategoryFacts,
  type Cell,
  isMethodCell,
  type MethodCell,
  type StudentCell,
  type TeacherFile,
} from '../cell.js';
import type { Combination } from '../job.js';
import type { EstimateJob, EvaluateJob, JobCost, Quality, TrainJob } from '../job.js';
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
/** Images of a step of most methods, for the estimate of scoring alone. */
const METHOD_BATCH = 16;

/** Estimates the cost of training a cell on this machine, from its first steps. */
export async function estimateCell({ cell, category }: EstimateJob, signal: AbortSignal): Promise<JobCost> {
  const source = await openCategory(category, signal);
  const teacher = await teacherOf(cell);
  try {
    const { bytes, seconds, secondsPerStep, steps } = await estimateTraining({
      ...(await trainingOf(cell, source, teacher)),
      signal,
    });
    if (steps === 0) return { bytes, seconds: null, scoringSeconds: 0 };
    const batch = isMethodCell(cell) ? METHOD_BATCH : cell.facts.training.batchSize;
    const batches = category.images.test / Math.min(batch, category.images.train);
    const scoringSeconds = batches * (secondsPerStep ?? 0) * SCORING_SHARE;
    return { bytes, seconds: seconds ?? 0, scoringSeconds };
  } finally {
    teacher?.dispose();
  }
}

/**
 * Opens a category's images.
 * @param thorough decodes every one.
 */
export function openCategory(
  { root, subsets }: Pick<CategoryFacts, 'root' | 'subsets'>,
  signal?: AbortSignal,
  thorough = false,
): Promise<ImageSource> {
  return openSource({
    root,
    thorough,
    // The tables of publications have pixel metrics of all anomalous images.
    masks: 'required',
    ...(subsets !== undefined && { subsets }),
    ...(signal && { signal }),
  });
}

/** Loads the teacher of a cell, where it has one; the caller disposes it. */
export async function teacherOf({ facts, teacherFile }: Cell): Promise<Teacher | undefined> {
  if (!facts.teacher || teacherFile === null) return undefined;
  return loadTeacher(backboneInfo(facts.teacher.name).name, await readFile(teacherFile));
}

/** Options of `trainDetector` that students and other methods share. */
function commonTraining(
  { facts }: Cell,
  source: ImageSource,
  teacher: Teacher | undefined,
): TrainDetectorOptions {
  const { fit, augment, holdOut, calibrateOnTraining, statisticsOn, sigma } = facts.training;
  return {
    source,
    ...(teacher && { teacher }),
    input: {
      size: facts.inputSize,
      fit,
      ...(augment === 'gcad' && { augmentation: gcadAugmentation(facts.category) }),
    },
    calibration: {
      holdOutFraction: holdOut,
      onTrainingImages: calibrateOnTraining,
      statisticsOn,
      ...(sigma !== undefined && { sigma }),
    },
    seed: facts.seed,
  };
}

/** Options of `trainDetector` for a cell. */
export async function trainingOf(
  cell: Cell,
  source: ImageSource,
  teacher: Teacher | undefined,
): Promise<TrainDetectorOptions> {
  return isMethodCell(cell) ? methodTraining(cell, source, teacher) : studentTraining(cell, source, teacher);
}

async function methodTraining(
  cell: MethodCell,
  source: ImageSource,
  teacher: Teacher | undefined,
): Promise<TrainDetectorOptions> {
  const { method, profile } = cell.facts;
  const { profiles } = await createMethod(method);
  return { ...commonTraining(cell, source, teacher), method, options: profiles[profile]! };
}

function studentTraining(
  cell: StudentCell,
  source: ImageSource,
  teacher: Teacher | undefined,
): TrainDetectorOptions {
  const { facts } = cell;
  const { name: objective, temperature } = facts.objective;
  const { preset, epochs, batchSize, reestimateBatchNorm } = facts.training;
  const common = commonTraining(cell, source, teacher);
  return {
    ...common,
    // Eq. 8, as the paper's tables have it, whatever the preset.
    calibration: { ...common.calibration, normalization: 'moments', fusion: 'sum' },
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
  };
}

/** Trains one student, or fits one method, on the current backend and writes it to the store. */
export async function trainCell(
  { cell, category, store: folder }: TrainJob,
  signal: AbortSignal,
): Promise<void> {
  const started = performance.now();
  const store = new CellStore(folder);
  const source = await openCategory(category, signal);
  const teacher = await teacherOf(cell);
  try {
    const detector = await trainDetector({ ...(await trainingOf(cell, source, teacher)), signal });
    try {
      const bytes = detector.save({ embedTeacher: false });
      await saveDetectorFile(detector, store.studentFile(cell), { embedTeacher: false });
      const { steps = 0, finalLosses } = detector.description.trainings[0]!.fit as {
        readonly steps?: number;
        readonly finalLosses?: Readonly<Record<string, number>>;
      };
      const finalLoss = isMethodCell(cell) ? undefined : finalLosses?.[branchName(cell)];
      await store.finishTraining(cell, {
        ...(finalLoss !== undefined && { finalLoss }),
        steps,
        seconds: (performance.now() - started) / 1000,
        bytes: bytes.byteLength,
      });
    } finally {
      detector.dispose();
    }
  } finally {
    teacher?.dispose();
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

/** Scores the test images with a detector that is no student, by its own rule, and stores the metrics. */
async function evaluateMethod(
  cell: MethodCell,
  { category, combinations, store: folder }: EvaluateJob,
  signal: AbortSignal,
): Promise<Quality[]> {
  const store = new CellStore(folder);
  const source = await openCategory(category, signal);
  const teacher = await teacherOf(cell);
  try {
    const quality = await withCombined([cell], { store, source, teacher, signal }, async (detector) => {
      const { fused } = await evaluateDetector(detector, source, { signal });
      const { imageAuroc, imageAurocByDefect, pixelAuroc, auPro, auSpro } = fused;
      const quality: Quality = { imageAuroc, imageAurocByDefect, pixelAuroc, auPro, auSpro };
      // Where no branch has a map, the map is the same everywhere and its pixel metrics say nothing.
      const hasMap = detector.description.branches.some(({ map }) => map);
      return hasMap ? quality : { ...quality, pixelAuroc: Number.NaN, auPro: null, auSpro: {} };
    });
    for (const combination of combinations) await store.finishEvaluation(combination, quality);
    return combinations.map(() => quality);
  } finally {
    teacher?.dispose();
  }
}

/** Scores the test images with each student, once per pass, on the current backend, and stores the metrics. */
export async function evaluateCells(job: EvaluateJob, signal: AbortSignal): Promise<Quality[]> {
  const [only] = job.cells;
  if (only && isMethodCell(only)) return evaluateMethod(only, job, signal);
  const students = job.cells.filter((cell): cell is StudentCell => !isMethodCell(cell));
  const store = new CellStore(job.store);
  const source = await openCategory(job.category, signal);
  const bytesOf = new Map<string, number>();
  for (const cell of job.cells) bytesOf.set(cell.id, (await store.trained(cell))?.bytes ?? 0);
  const qualities = new Map<string, Quality>();
  const teacher = await teacherOf(students[0]!);
  try {
    for (const pass of passesOf(job.combinations, bytesOf)) {
      const cells = students.filter(({ id }) => pass.some((each) => each.cells.includes(id)));
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
    teacher?.dispose();
  }
  return job.combinations.map(({ id }) => qualities.get(id)!);
}

export interface CombinedUse {
  readonly store: CellStore;
  readonly source: ImageSource;
  readonly teacher: Teacher | undefined;
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
  const detectors = await loadDetector(files, { teachers: teacher ? [teacher] : [] });
  let combined: Detector | undefined;
  try {
    if (detectors.length > 1) combined = await combineDetectors(detectors, { source, signal });
    return await use(combined ?? detectors[0]!);
  } finally {
    combined?.dispose();
    for (const detector of detectors) detector.dispose();
  }
}
