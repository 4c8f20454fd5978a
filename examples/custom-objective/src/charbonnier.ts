// An objective of one's own. Importing this module registers it: in the program, and in each worker thread.
import * as tf from '@tensorflow/tfjs';
import { DskdError } from '@dskd/base';
import type { Objective } from '@dskd/core';
import { registerObjective, unitVectors } from '@dskd/losses';

export interface CharbonnierOptions {
  /** Distances far below it count squared, far above it as they are. Greater than 0, default 0.1. */
  readonly epsilon?: number;
}

/**
 * `sqrt(d^2 + epsilon^2) - epsilon` for the distance d of the two unit vectors at each position: a squared
 * distance that does not let a few bad positions decide.
 * @throws {DskdError} `invalid-argument`
 */
export function charbonnier({ epsilon = 0.1 }: CharbonnierOptions = {}): Objective {
  if (!(epsilon > 0) || !Number.isFinite(epsilon)) {
    throw new DskdError('invalid-argument', `Got epsilon ${epsilon}; wanted a number above 0.`);
  }

  function distances(teacher: tf.Tensor4D, student: tf.Tensor4D): tf.Tensor3D {
    return tf.tidy(() => {
      const squared = tf.sum<tf.Tensor3D>(
        tf.squaredDifference(unitVectors(teacher), unitVectors(student)),
        3,
      );
      return tf.sub(tf.sqrt(tf.add(squared, epsilon ** 2)), epsilon);
    });
  }

  return {
    name: 'charbonnier',
    options: { epsilon }, // goes into the saved detector, and comes back to the factory below
    loss: (teacher, student) =>
      tf.tidy(() => tf.addN(teacher.map((level, i) => tf.mean(distances(level, student[i]!))))),
    map: (teacher, student) => teacher.map((level, i) => distances(level, student[i]!)),
  };
}

registerObjective('charbonnier', (options) => charbonnier(options));
