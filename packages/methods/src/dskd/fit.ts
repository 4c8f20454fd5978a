import { createObjective } from '@dskd/losses';
import { createStudent } from '@dskd/models';
import { restoreStudent, type StudentState } from '@dskd/training';
import type { Fit, FitInput, JsonObject } from '../contract.js';
import { asJson } from '../json.js';
import { heldOutCount } from '../students/early-stopping.js';
import { trainPlans } from '../students/train.js';
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
  return asJson({ ...input.run, branches, initialize, earlyStopping });
}

/** Trains the students of `plans`, each in this thread or where `execution.runner` puts it. */
function train(
  input: FitInput,
  plans: readonly BranchPlan[],
  options: DskdOptions,
): ReturnType<typeof trainPlans> {
  const { batchSize, minutes, earlyStopping, reestimateBatchNorm } = options;
  const images = input.trainingImages.length;
  const teacher = teacherOf(input);
  return trainPlans(input, {
    extractor: teacher.extractor,
    students: withInitialStates(plans, teacher, options).map((plan) => ({
      name: plan.name,
      setUpModule: SET_UP_MODULE,
      options: plan,
      setUp: () => setUpStudent(plan),
    })),
    epochs: epochsFor(options, images - heldOutCount(images, options)),
    minutes,
    earlyStopping,
    batchSize,
    reestimateBatchNorm,
    run: describeRun(input, plans, options),
  });
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
    record: asJson(record),
    batchSize: options.batchSize,
  };
}
