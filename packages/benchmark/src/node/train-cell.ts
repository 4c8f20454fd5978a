import { gcadAugmentation, type ImageSource } from '@dskd/data';
import { openSource } from '@dskd/data/node';
import { trainDetector, type TrainDetectorOptions } from '@dskd/detector';
import { loadTeacherFile, saveDetectorFile } from '@dskd/detector/node';
import { backboneName, type Teacher } from '@dskd/models';
import { branchName, type Cell } from '../cell.js';
import type { CategoryFacts } from '../facts.js';
import type { TrainJob } from '../jobs.js';
import { CellStore } from './cell-store.js';

/** A category's images. */
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

/** The teacher of a cell; the caller disposes it. */
export function teacherOf({ facts, teacherFile }: Cell): Promise<Teacher> {
  return loadTeacherFile(backboneName(facts.teacher.name), teacherFile);
}

/** What a cell is to `trainDetector`. */
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

/** Trains one student on the current backend and puts it into the store. */
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
