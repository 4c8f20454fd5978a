import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { lowTemperatureRows, highTemperatureRows } from './affinity-rows.js';
import type { ImageAffinity } from './by-image.js';
import { halvingsFor, log1pOfPositive } from './exponential.js';
import { firstRows, rowBlocks, rowsAt } from './rows.js';
import { stagedProduct } from './staged-product.js';

/** Entries of the block of similarities in work at one time: 1 MB each. */
const BLOCK_ENTRIES = 2 ** 18;

/** exp(4 / T), the largest ratio of two probabilities, is a float32 down to here: what {@link highTemperatureRows} needs. */
const LOWEST_WARM_TEMPERATURE = 0.05;

/** Rows of a block: a divisor of `positions` near the limit where there is one, so that none is padded. */
function rowsOfBlock(positions: number): number {
  const limit = Math.max(1, Math.min(positions, Math.floor(BLOCK_ENTRIES / positions)));
  for (let rows = limit; rows > limit / 2; rows--) if (positions % rows === 0) return rows;
  return limit;
}

/**
 * Contextual affinity of one image from unit vectors `[positions, channels]`, a block of rows at a time.
 *
 * With t, s the unit vectors and p the softmax over j of t_i.t_j / T, what differs between teacher and
 * student is a_ij = (s_i - t_i).t_j / T, taken from the difference vector and centered by its p-mean. Then
 * KL_i = log1p(u_i), u_i = sum_j p_ij expm1(a_ij), is of second order in a small difference and keeps its
 * digits, where the difference of two log-softmaxes loses them. Its gradient with respect to s_i is
 * sum_j p_ij (expm1(a_ij) - u_i) / (1 + u_i) t_j / T: attention whose keys and values are the teacher's.
 * Temperatures below 0.05 have a form of their own that cannot overflow.
 * @param rowWeight of each row's divergence in the loss; without one no gradient is computed.
 */
export function affinityOfImage(
  teacher: Tensor2D,
  student: Tensor2D,
  temperature: number,
  rowWeight?: number,
): ImageAffinity {
  return tf.tidy(() => {
    const [positions] = teacher.shape;
    const cold = temperature < LOWEST_WARM_TEMPERATURE;
    // Transposed by hand: matMul's transposeB is ten times slower on wasm.
    const keys = tf.tidy(() => tf.mul<Tensor2D>(tf.transpose(teacher), cold ? 1 : 1 / temperature));
    // |s - t| <= 2 bounds a by 2/T, and centering doubles the bound.
    const halvings = cold ? 0 : halvingsFor(4 / temperature);
    const difference = tf.tidy(() => tf.mul<Tensor2D>(tf.sub(student, teacher), 2 ** -halvings));
    const blockRows = rowsOfBlock(positions);
    const teacherBlocks = rowBlocks(teacher, blockRows);
    const differenceBlocks = rowBlocks(difference, blockRows);
    const excesses: Tensor2D[] = [];
    const shifts: Tensor2D[] = [];
    const gradients: Tensor2D[] = [];
    for (let block = 0; block < positions / blockRows; block++) {
      const { excess, shift, gradient } = tf.tidy(() => {
        const queries = rowsAt(teacherBlocks, block);
        const similarities: Tensor2D = cold ? stagedProduct(queries, keys) : tf.matMul(queries, keys);
        const changes = tf.matMul<Tensor2D>(rowsAt(differenceBlocks, block), keys);
        const { excess, shift, weights } = cold
          ? lowTemperatureRows(similarities, changes, temperature)
          : highTemperatureRows(similarities, changes, halvings);
        const kept = { excess, ...(shift && { shift }) };
        if (rowWeight === undefined) return kept;
        const gradient = tf.mul(
          tf.matMul(weights(), teacher),
          tf.div(rowWeight * temperature, tf.add(excess, 1)),
        );
        return { ...kept, gradient };
      }) as { excess: Tensor2D; shift?: Tensor2D; gradient?: Tensor2D };
      excesses.push(excess);
      if (shift) shifts.push(shift);
      if (gradient) gradients.push(gradient);
    }
    const joined = (blocks: Tensor2D[]): Tensor2D => firstRows(tf.concat(blocks), positions);
    const grown = tf.mul<Tensor2D>(log1pOfPositive(joined(excesses)), temperature ** 2);
    const divergence = cold ? tf.add<Tensor2D>(grown, tf.mul(joined(shifts), temperature)) : grown;
    return rowWeight === undefined ? { divergence } : { divergence, gradient: joined(gradients) };
  });
}
