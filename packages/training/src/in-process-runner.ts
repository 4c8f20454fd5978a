import {
  dispose,
  stack,
  sum,
  tidy,
  variableGrads,
  type Scalar,
  type Tensor,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import { DskdError } from '@dskd/base';
import type { Student } from '@dskd/core';
import type { FeatureBatch } from './feature-batch.js';
import type { Position, StudentRunner, StudentTask } from './student-runner.js';
import { captureVariables, restoreStudent, type ArrayState } from './training-state.js';
import { updatesFor, type Update } from './updates.js';

/**
 * Returns a runner that trains `task.student` in place, in this thread, on the current backend. The caller disposes
 * it.
 * @throws {DskdError} `invalid-config` for invalid optimizer options or groups, or a student without parameters.
 */
export function inProcessRunner(task: StudentTask): StudentRunner {
  const { name, student, objective } = task;
  if (student.parameters.size === 0) {
    throw new DskdError('invalid-config', `The student '${name}' has no parameters to train.`);
  }
  const updates = updatesFor(task);
  let steps = 0;

  function lossAndGradients(
    update: Update,
    teacher: readonly Tensor4D[],
    position: Position,
  ): { loss: Scalar; gradients: Map<string, Tensor> } {
    const targets = targetsOf(student, teacher);
    const { value, grads } = variableGrads(
      () => update.objective.loss(targets, student.forward(teacher, modeOf(update, position))),
      [...update.parameters.values()],
    );
    const gradients = new Map<string, Tensor>();
    for (const [parameter, variable] of update.parameters) {
      const gradient = (grads as Partial<typeof grads>)[variable.name];
      if (gradient) gradients.set(parameter, gradient);
    }
    return { loss: value, gradients };
  }

  async function perform(update: Update, features: FeatureBatch, position: Position): Promise<number> {
    const { loss, gradients } = lossAndGradients(update, features.tensors(), position);
    try {
      // One download per update: the sum is not finite if any entry of any gradient is not finite.
      // Not addN: on WebGPU it takes seven tensors at most, and gives zeros for more.
      const probe = tidy(() =>
        stack([loss, sum(stack([...gradients.values()].map((gradient) => sum(gradient))))]),
      );
      const [lossValue, gradientSum] = await probe.data<'float32'>();
      probe.dispose();
      if (!Number.isFinite(lossValue) || !Number.isFinite(gradientSum)) {
        throw await instabilityError(task, update, features, position, lossValue!);
      }
      update.optimizer.apply(gradients);
      return lossValue!;
    } finally {
      dispose([loss, ...gradients.values()]);
    }
  }

  return {
    name,
    threaded: false,

    async step(features, position) {
      const losses: number[] = [];
      for (const update of updates.at(position.step)) losses.push(await perform(update, features, position));
      steps = position.step + 1;
      return losses[0]!;
    },

    observeBatchNorm(features, index) {
      const teacher = features.tensors();
      tidy(() => {
        student.forward(teacher, { training: true, batchNormMomentum: 1 / (index + 1) });
      });
      return Promise.resolve();
    },

    async evaluate(features) {
      const teacher = features.tensors();
      const loss = tidy(() =>
        objective.loss(targetsOf(student, teacher), student.forward(teacher, { training: false })),
      );
      try {
        return (await loss.data<'float32'>())[0]!;
      } finally {
        loss.dispose();
      }
    },

    async capture() {
      const parameters = await captureVariables(student.parameters);
      const buffers = await captureVariables(student.buffers);
      assertFinite(name, parameters);
      assertFinite(name, buffers);
      return { name, parameters, buffers, optimizer: await updates.capture(steps) };
    },

    restore(state) {
      restoreStudent(student, state);
      updates.restore(state.optimizer);
      steps = state.optimizer.step;
      return Promise.resolve();
    },

    dispose() {
      updates.dispose();
      return Promise.resolve();
    },
  };
}

/** A training step's forward pass, which is told what it is for where parameters are in groups. */
function modeOf({ group }: Update, position: Position): Parameters<Student['forward']>[1] {
  return { training: true, position: group === undefined ? position : { ...position, group } };
}

/** The levels that a student predicts. */
function targetsOf({ firstTarget = 0 }: Student, teacher: readonly Tensor4D[]): readonly Tensor4D[] {
  return firstTarget === 0 ? teacher : teacher.slice(firstTarget);
}

function assertFinite(student: string, arrays: ReadonlyMap<string, ArrayState>): void {
  for (const [parameter, { data }] of arrays) {
    if (data.every(Number.isFinite)) continue;
    throw new DskdError(
      'numerical-instability',
      `'${parameter}' of the student '${student}' is not finite.`,
      {
        hint: 'Lower the learning rate of this student.',
        details: { student, parameter },
      },
    );
  }
}

async function isFinite(value: Tensor): Promise<boolean> {
  const total = tidy(() => sum(value));
  const [number] = await total.data<'float32'>();
  total.dispose();
  return Number.isFinite(number);
}

/** Finds the levels (indices) whose teacher features, own loss or own gradient are not finite. */
async function findLevels(
  student: Student,
  update: Update,
  features: FeatureBatch,
  position: Position,
): Promise<{ what: string; levels: number[] }> {
  const teacher = features.tensors();
  const { firstTarget = 0 } = student;
  const targets = teacher.length - firstTarget;
  const levels = features.levels.map((_, level) => level);
  const found: Record<'teacher features' | 'loss' | 'gradient', number[]> = {
    'teacher features': [],
    loss: [],
    gradient: [],
  };
  for (const level of levels) {
    if (!(await isFinite(teacher[level]!))) found['teacher features'].push(level);
    const target = level - firstTarget;
    if (target < 0) continue;
    // Momentum 0: the check must not change the running statistics.
    const lossOfLevel = (): Scalar => {
      const predictions = student.forward(teacher, { ...modeOf(update, position), batchNormMomentum: 0 });
      // Whatever a student returns beside its levels belongs to each of them.
      const one = [predictions[target]!, ...predictions.slice(targets)];
      return update.objective.loss([teacher[level]!], one);
    };
    const { value, grads } = variableGrads(lossOfLevel, [...update.parameters.values()]);
    const gradients = Object.values(grads);
    if (!(await isFinite(value))) found.loss.push(level);
    for (const gradient of gradients) {
      if (await isFinite(gradient)) continue;
      found.gradient.push(level);
      break;
    }
    dispose([value, ...gradients]);
  }
  for (const [what, bad] of Object.entries(found)) if (bad.length > 0) return { what, levels: bad };
  return { what: 'sum over levels', levels };
}

/**
 * Returns the error of a step whose loss or gradient is not finite. It recomputes each level alone to find the one
 * at fault, which costs nothing in steps without a fault.
 */
async function instabilityError(
  task: StudentTask,
  update: Update,
  features: FeatureBatch,
  position: Position,
  loss: number,
): Promise<DskdError> {
  const { epoch, step } = position;
  const { what, levels } = await findLevels(task.student, update, features, position);
  const names = levels.map((level) => features.levels[level]!.name);
  return new DskdError(
    'numerical-instability',
    `Step ${step} (epoch ${epoch}) of the student '${task.name}': the ${what} of level ` +
      `${names.map((name) => `'${name}'`).join(', ')} is not finite (loss ${loss}).`,
    {
      hint: what.startsWith('teacher')
        ? "Check the teacher's weights and the images' range (0..1)."
        : 'Lower the learning rate of this student, or check the batch for a degenerate image.',
      details: { student: task.name, epoch, step, level: names[0], levels: names, what, loss: String(loss) },
    },
  );
}
