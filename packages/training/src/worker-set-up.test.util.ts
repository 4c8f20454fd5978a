// A set-up module like those that users write, for the worker tests.
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs';
import type { StudentTask } from './student-runner.js';
import { tinyTask } from './tiny-world.test.util.js';

export interface TinySetUp {
  readonly backend: string;
  readonly seed: number;
  readonly learningRate: number;
  /** Makes the objective infinite from this step on. */
  readonly failFromStep?: number;
  /** Ends the thread at this step. */
  readonly exitAtStep?: number;
}

export async function setUpStudent(options: TinySetUp): Promise<StudentTask> {
  await tf.setBackend(options.backend);
  const task = tinyTask('named by the runner', options.seed, options.learningRate);
  let step = 0;
  return {
    ...task,
    objective: {
      ...task.objective,
      loss(teacher, student) {
        if (step === options.exitAtStep) process.exit(3);
        const loss = task.objective.loss(teacher, student);
        return step++ >= (options.failFromStep ?? Infinity) ? tf.div(loss, 0) : loss;
      },
    },
  };
}
