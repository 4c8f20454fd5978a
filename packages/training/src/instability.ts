import { dispose, sum, tidy, variableGrads, type Scalar, type Tensor } from '@tensorflow/tfjs-core';
import { DskdError } from '@dskd/base';
import type { FeatureBatch } from './feature-batch.js';
import type { Position } from './student-runner.js';
import type { StudentTask } from './student-task.js';

async function isFinite(value: Tensor): Promise<boolean> {
  const total = tidy(() => sum(value));
  const [number] = await total.data<'float32'>();
  total.dispose();
  return Number.isFinite(number);
}

/** Levels (indices) whose teacher features, loss alone or gradient alone are not finite. */
async function findLevels(
  { student, objective }: StudentTask,
  features: FeatureBatch,
): Promise<{ what: string; levels: number[] }> {
  const teacher = features.tensors();
  const levels = features.levels.map((_, level) => level);
  const found: Record<'teacher features' | 'loss' | 'gradient', number[]> = {
    'teacher features': [],
    loss: [],
    gradient: [],
  };
  for (const level of levels) {
    if (!(await isFinite(teacher[level]!))) found['teacher features'].push(level);
    // Momentum 0: looking must not move the running statistics.
    const lossOfLevel = (): Scalar => {
      const predictions = student.forward(teacher, { training: true, batchNormMomentum: 0 });
      return objective.loss([teacher[level]!], [predictions[level]!]);
    };
    const { value, grads } = variableGrads(lossOfLevel, [...student.parameters.values()]);
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
 * Finds out where a step went wrong, after it did: the levels are looked at one by one, which no healthy
 * step pays for.
 */
export async function instabilityError(
  task: StudentTask,
  features: FeatureBatch,
  { epoch, step }: Position,
  loss: number,
): Promise<DskdError> {
  const { what, levels } = await findLevels(task, features);
  const names = levels.map((level) => features.levels[level]!.name);
  return new DskdError(
    'numerical-instability',
    `Step ${step} (epoch ${epoch}) of the student '${task.name}': the ${what} of level ` +
      `${names.map((name) => `'${name}'`).join(', ')} is not finite (loss ${loss}).`,
    {
      hint: what.startsWith('teacher')
        ? "Check the teacher's weights and the images' range (0..1)."
        : 'Lower the learning rate of this student, or look for a degenerate image in the batch.',
      details: { student: task.name, epoch, step, level: names[0], levels: names, what, loss: String(loss) },
    },
  );
}
