import {
  addN,
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
import { Adam } from './adam.js';
import { instabilityError } from './instability.js';
import { captureVariables, restoreStudent, type ArrayState } from './student-state.js';
import type { StudentRunner } from './student-runner.js';
import type { StudentTask } from './student-task.js';

/**
 * Trains `task.student` in this thread, on the current backend, in place.
 * @throws {DskdError} `invalid-config` for impossible optimizer options or a student without parameters.
 */
export function inProcessRunner(task: StudentTask): StudentRunner {
  const { name, student, objective } = task;
  if (student.parameters.size === 0) {
    throw new DskdError('invalid-config', `The student '${name}' has no parameters to train.`);
  }
  const adam = new Adam(student.parameters, task.optimizer);
  const variables = [...student.parameters.values()];

  function lossAndGradients(teacher: readonly Tensor4D[]): { loss: Scalar; gradients: Map<string, Tensor> } {
    const { value, grads } = variableGrads(
      () => objective.loss(teacher, student.forward(teacher, { training: true })),
      variables,
    );
    const gradients = new Map<string, Tensor>();
    for (const [parameter, variable] of student.parameters) {
      const gradient = (grads as Partial<typeof grads>)[variable.name];
      if (gradient) gradients.set(parameter, gradient);
    }
    return { loss: value, gradients };
  }

  return {
    name,
    threaded: false,

    async step(features, position) {
      const teacher = features.tensors();
      const { loss, gradients } = lossAndGradients(teacher);
      try {
        // One read a step: the sum is not finite if any entry of any gradient is not.
        const probe = tidy(() =>
          stack([loss, addN([...gradients.values()].map((gradient) => sum(gradient)))]),
        );
        const [lossValue, gradientSum] = await probe.data<'float32'>();
        probe.dispose();
        if (!Number.isFinite(lossValue) || !Number.isFinite(gradientSum)) {
          throw await instabilityError(task, features, position, lossValue!);
        }
        adam.apply(gradients);
        return lossValue!;
      } finally {
        dispose([loss, ...gradients.values()]);
      }
    },

    observeBatchNorm(features, index) {
      const teacher = features.tensors();
      tidy(() => {
        student.forward(teacher, { training: true, batchNormMomentum: 1 / (index + 1) });
      });
      return Promise.resolve();
    },

    async capture() {
      const parameters = await captureVariables(student.parameters);
      const buffers = await captureVariables(student.buffers);
      assertFinite(name, parameters);
      assertFinite(name, buffers);
      return { name, parameters, buffers, optimizer: await adam.capture() };
    },

    restore(state) {
      restoreStudent(student, state);
      adam.restore(state.optimizer);
      return Promise.resolve();
    },

    dispose() {
      adam.dispose();
      return Promise.resolve();
    },
  };
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
