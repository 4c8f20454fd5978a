import * as tf from '@tensorflow/tfjs-core';
import type { Tensor3D } from '@tensorflow/tfjs-core';

/**
 * How the normalized scores of several branches become one. `sum`: Eq. 8 of the paper. `soft-maximum`: the logarithm of
 * the sum of their exponentials. Branches that see nothing add little to one that does, where a sum would add their
 * noise. `maximum`: the largest.
 */
export type FusionRule = 'sum' | 'soft-maximum' | 'maximum';

/** Every {@link FusionRule}. */
export const FUSION_RULES = ['sum', 'soft-maximum', 'maximum'] as const satisfies readonly FusionRule[];

/**
 * One score of several.
 * @param terms finite, at least one; each normalized and times its weight. However large they are, nothing overflows.
 */
export function fuseScores(rule: FusionRule, terms: ArrayLike<number>): number {
  let largest = terms[0]!;
  let sum = terms[0]!;
  for (let index = 1; index < terms.length; index++) {
    largest = Math.max(largest, terms[index]!);
    // Rounded as a backend adds float32 maps.
    sum = Math.fround(sum + terms[index]!);
  }
  if (rule === 'sum') return sum;
  if (rule === 'maximum' || terms.length === 1) return largest;
  let exponentials = 0;
  for (let index = 0; index < terms.length; index++) exponentials += Math.exp(terms[index]! - largest);
  return largest + Math.log(exponentials);
}

/** {@link fuseScores} of each pixel of maps of one shape. The caller disposes the result; `terms` stay. */
export function fuseMaps(rule: FusionRule, terms: readonly Tensor3D[]): Tensor3D {
  if (rule === 'sum') return tf.addN([...terms]);
  if (terms.length === 1) return terms[0]!.clone();
  return tf.tidy(() => {
    const largest = terms.reduce((best, term) => tf.maximum(best, term));
    if (rule === 'maximum') return largest;
    const exponentials = tf.addN(terms.map((term) => tf.exp<Tensor3D>(tf.sub<Tensor3D>(term, largest))));
    return tf.add<Tensor3D>(largest, tf.log<Tensor3D>(exponentials));
  });
}
