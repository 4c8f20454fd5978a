import { DskdError } from '@dskd/base';
import type { Objective } from '@dskd/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { pairLevels } from './levels.js';
import { squaredError } from './reconstruction.js';

/** Lengths of the differences at each position. */
function distances(from: Tensor4D, to: Tensor4D): Tensor3D {
  return tf.tidy(() => tf.sqrt(tf.sum<Tensor3D>(tf.squaredDifference(from, to), 3)));
}

/**
 * The loss of GCAD (Bergmann et al., IJCV 2022, Sec. 4.2): the squared distances, mean over positions and channels, of the
 * teacher's features from those of `R_loc` and from `U(E_glo)`, and of `E_glo` from `R_glo`. `E_glo` has no gradient of the last:
 * only what it must tell of the teacher's features shapes it. The network returns these four, `R_loc`, `U(E_glo)`, `E_glo` and
 * `R_glo`. Two maps: the distance of the teacher from `R_loc` and that of `E_glo` from `R_glo` at each position.
 */
export function globalContext(): Objective {
  const error = squaredError();
  const all = (outputs: readonly Tensor4D[]): readonly [Tensor4D, Tensor4D, Tensor4D, Tensor4D] => {
    const [local, bridged, encoded, global] = outputs;
    if (local && bridged && encoded && global) return [local, bridged, encoded, global];
    throw new DskdError('shape-mismatch', `Got ${outputs.length} outputs of a network; wanted four.`);
  };
  return {
    name: 'globalContext',
    options: {},
    loss(teacher, outputs) {
      const [local, bridged, encoded, global] = all(outputs);
      // What comes first in a pair has no gradient.
      return error.loss([teacher[0]!, teacher[0]!, encoded], [local, bridged, global]);
    },
    map(teacher, outputs) {
      const [local, , encoded, global] = all(outputs);
      return pairLevels([teacher[0]!, encoded], [local, global]).map((pair) =>
        distances(pair.teacher, pair.student),
      );
    },
  };
}
