import { createObjective, registerObjective } from '@dskd/losses';
import { mul, tidy, type Scalar } from '@tensorflow/tfjs-core';

/** An objective of a user's own: what the tests import in the main thread and in workers. */
registerObjective('halvedCosine', () => {
  const inner = createObjective({ name: 'perPixelCosine' });
  return {
    name: 'halvedCosine',
    options: {},
    loss: (teacher, student) => tidy(() => mul<Scalar>(0.5, inner.loss(teacher, student))),
    map: (teacher, student) => inner.map(teacher, student),
  };
});
