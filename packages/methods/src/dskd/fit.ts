import { createObjective } from '@dskd/losses';
import { createStudent } from '@dskd/models';
import {
  inProcessRunner,
  readCheckpoint,
  restoreStudent,
  trainStudents,
  writeCheckpoint,
  type StudentRunner,
  type StudentState,
} from '@dskd/training';
import type { Fit, FitInput, JsonObject } from '../contract.js';
import { splitForEarlyStopping } from './early-stopping.js';
import { branchConfig, checkConfig, DskdModel } from './model.js';
import { epochsFor, type DskdOptions } from './options.js';
import { planBranches, SET_UP_MODULE, setUpStudent, withInitialStates, type BranchPlan } from './plan.js';
import { teacherOf } from './teacher.js';

/** What decides the result of a training besides its length, as a checkpoint keeps it. */
function describeRun(input: FitInput, plans: readonly BranchPlan[], options: DskdOptions): JsonObject {
  const branches = plans.map(({ name, student, objective, optimizer }) => ({
    name,
    student,
    objective,
    optimizer,
  }));
  const { initialize, earlyStopping } = options;
  return JSON.parse(JSON.stringify({ ...input.run, branches, initialize, earlyStopping })) as JsonObject;
}

/** Trains the students of `plans`, each in this thread or where `execution.runner` puts it. */
async function train(
  input: FitInput,
  plans: readonly BranchPlan[],
  options: DskdOptions,
): ReturnType<typeof trainStudents> {
  const { trainingImages, seed, execution, checkpoint, onEvent, signal } = input;
  const { batchSize, minutes, reestimateBatchNorm } = options;
  const teacher = teacherOf(input);
  const run = describeRun(input, plans, options);
  const split = splitForEarlyStopping(trainingImages, options, seed);
  const saved = input.resumeFrom && readCheckpoint(input.resumeFrom, { run });

  const runners: StudentRunner[] = [];
  const students: { dispose(): void }[] = [];
  try {
    for (const plan of withInitialStates(plans, teacher, options)) {
      if (execution.runner) {
        const { name } = plan;
        runners.push(await execution.runner({ name, setUpModule: SET_UP_MODULE, options: plan }));
      } else {
        const task = setUpStudent(plan);
        students.push(task.student);
        runners.push(inProcessRunner(task));
      }
    }
    return await trainStudents({
      teacher: teacher.extractor,
      students: runners,
      ...split,
      epochs: epochsFor(options, split.images.length),
      ...(minutes !== undefined && { timeLimit: 60_000 * minutes }),
      batchSize,
      seed,
      reestimateBatchNorm,
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

/** Students in this thread, holding what was trained wherever it was trained. */
async function modelOf(
  method: string,
  input: FitInput,
  plans: readonly BranchPlan[],
  states: readonly StudentState[],
): Promise<DskdModel> {
  const config = checkConfig({
    branches: plans.map(branchConfig),
    levels: { fusion: 'sum', alignCorners: true },
  });
  const branches: ConstructorParameters<typeof DskdModel>[3][number][] = [];
  try {
    for (const [index, { name, student: architecture, objective }] of plans.entries()) {
      const student = createStudent(architecture, { blank: true });
      try {
        restoreStudent(student, states[index]!);
        const state = await student.stateDict();
        branches.push({ name, student, objective: createObjective(objective), state });
      } catch (error) {
        student.dispose();
        throw error;
      }
    }
    const { inputSize } = input;
    return new DskdModel(method, config, { teacher: teacherOf(input), inputSize }, branches);
  } catch (error) {
    for (const { student } of branches) student.dispose();
    throw error;
  }
}

/** Trains the students on the teacher's features of good images. See {@link Method.fit}. */
export async function fitStudents(method: string, input: FitInput, options: DskdOptions): Promise<Fit> {
  const plans = planBranches({ ...input, teacher: teacherOf(input) }, options);
  const { states, steps, history } = await train(input, plans, options);
  const model = await modelOf(method, input, plans, states);
  const record = {
    epochs: history.length,
    batchSize: options.batchSize,
    steps,
    learningRates: Object.fromEntries(plans.map(({ name, optimizer }) => [name, optimizer.learningRate])),
    reestimatedBatchNorm: options.reestimateBatchNorm,
    finalLosses: history.at(-1)?.losses ?? {},
    heldOutLosses: history.at(-1)?.heldOut,
    earlyStopping: options.earlyStopping,
    initialize: options.initialize,
    optimizers: Object.fromEntries(plans.map(({ name, optimizer }) => [name, optimizer])),
  };
  return {
    model,
    record: JSON.parse(JSON.stringify(record)) as JsonObject,
    batchSize: options.batchSize,
  };
}
