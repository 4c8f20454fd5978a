import type { FeatureExtractor } from '@dskd/core';
import {
  inProcessRunner,
  readCheckpoint,
  trainStudents,
  writeCheckpoint,
  type StudentRunner,
  type StudentTask,
} from '@dskd/training';
import type { FitInput, JsonObject } from '../contract.js';
import { splitForEarlyStopping, type EarlyStopping } from './early-stopping.js';

/** One network to train, here or in another thread. */
export interface StudentPlan {
  readonly name: string;
  /** URL of a module whose `setUpStudent(options)` makes the task in another thread. */
  readonly setUpModule: string;
  /** Structured-cloneable. */
  readonly options: unknown;
  /** Makes the task in this thread. */
  readonly setUp: () => StudentTask;
}

/** A training, besides what the fit says. */
export interface StudentTraining extends EarlyStopping {
  /** Gives the features that the networks read and predict. */
  readonly extractor: FeatureExtractor;
  readonly students: readonly StudentPlan[];
  /** At most, where `minutes` or `earlyStopping` end it. */
  readonly epochs: number;
  readonly minutes?: number | undefined;
  readonly batchSize: number;
  readonly reestimateBatchNorm?: boolean;
  /** What decides the result of the training besides its length, as a checkpoint keeps it. */
  readonly run: JsonObject;
}

/** Trains networks by the one training loop, each in this thread or where `execution.runner` puts it. */
export async function trainPlans(
  input: FitInput,
  training: StudentTraining,
): ReturnType<typeof trainStudents> {
  const { trainingImages, seed, execution, checkpoint, onEvent, signal } = input;
  const { extractor, epochs, minutes, batchSize, reestimateBatchNorm, run } = training;
  const saved = input.resumeFrom && readCheckpoint(input.resumeFrom, { run });

  const runners: StudentRunner[] = [];
  const students: { dispose(): void }[] = [];
  try {
    for (const { name, setUpModule, options, setUp } of training.students) {
      if (execution.runner) {
        runners.push(await execution.runner({ name, setUpModule, options }));
      } else {
        const task = setUp();
        students.push(task.student);
        runners.push(inProcessRunner(task));
      }
    }
    return await trainStudents({
      teacher: extractor,
      students: runners,
      ...splitForEarlyStopping(trainingImages, training, seed),
      epochs,
      ...(minutes !== undefined && { timeLimit: 60_000 * minutes }),
      batchSize,
      seed,
      ...(reestimateBatchNorm !== undefined && { reestimateBatchNorm }),
      ...(signal && { signal }),
      ...(onEvent && { onEvent }),
      ...(execution.featureCacheBytes !== undefined && {
        featureCache: { maxBytes: execution.featureCacheBytes },
      }),
      ...(checkpoint && {
        checkpoint: {
          everyEpochs: checkpoint.everyEpochs,
          save: async (state) => checkpoint.save(writeCheckpoint({ state, run })),
        },
      }),
      ...(saved && { resumeFrom: saved.state }),
    });
  } finally {
    await Promise.all(runners.map((runner) => runner.dispose()));
    for (const student of students) student.dispose();
  }
}
