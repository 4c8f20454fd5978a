import * as tf from '@tensorflow/tfjs';
import { isDskdError } from '@dskd/base';
import {
  contextualAffinityLoss,
  contextualAffinityMap,
  cosineDistanceMap,
  covarianceAffinityLoss,
  covarianceAffinityMap,
  createObjective,
  flattenedCosineLoss,
  perPixelCosineLoss,
  registerObjective,
} from './index.js';

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    return isDskdError(error) ? error.code : String(error);
  }
  return undefined;
}

describe('refusals', () => {
  const small = tf.ones<tf.Rank.R4>([1, 2, 2, 3]);
  const wide = tf.ones<tf.Rank.R4>([1, 2, 3, 3]);
  const flat = tf.ones([2, 2, 3]) as unknown as tf.Tensor4D;
  afterAll(() => tf.dispose([small, wide, flat]));

  test.each([perPixelCosineLoss, flattenedCosineLoss, contextualAffinityLoss, covarianceAffinityLoss])(
    'levels that differ',
    (loss) => {
      expect(codeOf(() => loss(small, wide))).toBe('shape-mismatch');
      expect(codeOf(() => loss([small, small], [small]))).toBe('shape-mismatch');
      expect(codeOf(() => loss([], []))).toBe('shape-mismatch');
      expect(codeOf(() => loss(flat, flat))).toBe('shape-mismatch');
    },
  );

  test('maps of levels that differ', () => {
    expect(codeOf(() => cosineDistanceMap(small, wide))).toBe('shape-mismatch');
    expect(codeOf(() => contextualAffinityMap(small, wide))).toBe('shape-mismatch');
    expect(codeOf(() => covarianceAffinityMap(small, wide))).toBe('shape-mismatch');
  });

  test.each([0, -1, NaN, Infinity, 1e-21])('temperature %d', (temperature) => {
    expect(codeOf(() => contextualAffinityLoss(small, small, { temperature }))).toBe('invalid-argument');
    expect(codeOf(() => contextualAffinityMap(small, small, { temperature }))).toBe('invalid-argument');
    expect(codeOf(() => createObjective({ name: 'contextualAffinity', options: { temperature } }))).toBe(
      'invalid-argument',
    );
  });

  test('an unknown objective is refused until it is registered', () => {
    expect(codeOf(() => createObjective({ name: 'mine' }))).toBe('invalid-argument');
    registerObjective('mine', (options) => ({
      ...createObjective({ name: 'perPixelCosine' }),
      name: 'mine',
      options,
    }));
    expect(createObjective({ name: 'mine', options: { weight: 2 } })).toMatchObject({
      name: 'mine',
      options: { weight: 2 },
    });
  });
});
