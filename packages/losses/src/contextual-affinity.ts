import { DskdError } from '@dskd/base';
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core';
import { lossByImage, mapByImage, type Features, type ImageAffinity } from './levels.js';
import {
  firstRows,
  rowBlocks,
  rowsAt,
  rowSums,
  stagedProduct,
  throughNormalization,
  type NormalizedRows,
} from './rows.js';

// Global student (contextual affinity), level l, positions i and j, temperature T, teacher t, student s:
//   a_ij^t = t_i . t_j / (|t_i| |t_j|)                          Eq. 3
//   p_ij   = softmax over j of a_ij^t / T                       Eq. 4
//   a_ij^s = s_i . t_j / (|s_i| |t_j|)                          Eq. 5; q_ij = softmax over j of a_ij^s / T
//   KL_i   = T^2 sum_j p_ij log(p_ij / q_ij)                    Eq. 6: contextualAffinityMap
//   L      = sum over l of 1 / (h_l w_l) sum_i KL_i             Eq. 7: contextualAffinityLoss

export interface ContextualAffinityOptions {
  /** Temperature of the softmax over similarities, at least 1e-20. Default 1. */
  readonly temperature?: number;
}

/** At small T the loss is proportional to T; loss and gradient must stay within the range of float32. */
const SMALLEST_TEMPERATURE = 1e-20;

/** @throws {DskdError} `invalid-argument` unless `temperature` is a finite number of at least 1e-20. */
export function checkTemperature(temperature: number): number {
  if (!(temperature >= SMALLEST_TEMPERATURE && Number.isFinite(temperature))) {
    throw new DskdError(
      'invalid-argument',
      `Got temperature ${temperature}; wanted a finite number of at least ${SMALLEST_TEMPERATURE}.`,
      {
        hint:
          'The paper uses 1. Below 0.01 a position is compared with its most similar ones only. ' +
          "The objective 'covarianceAffinity' is the limit of high temperatures.",
        details: { temperature },
      },
    );
  }
  return temperature;
}

/**
 * Contextual affinity loss (Eq. 3 to 7 of the paper): at each position i the divergence T^2 KL(p_i || q_i) of the
 * teacher's and the student's softmax similarities to the teacher's vectors at all positions of the image; mean over
 * positions and batch, summed over levels. Never negative.
 *
 * Rows are processed in blocks: the memory is that of a few maps, never positions x positions. The gradient reaches the
 * student only; the teacher's is zero. There is no second derivative. A zero vector has similarity 0 to every other
 * vector, and its gradient is zero.
 * @param teacher one level or several, each `[batch, height, width, channels]`.
 * @param student same shapes as `teacher`.
 * @returns a scalar. The caller disposes it.
 * @throws {DskdError} `shape-mismatch`, or `invalid-argument` for a temperature below 1e-20.
 */
export function contextualAffinityLoss(
  teacher: Features,
  student: Features,
  { temperature = 1 }: ContextualAffinityOptions = {},
): Scalar {
  checkTemperature(temperature);
  return lossByImage(teacher, student, (t, s, rowWeight) => affinityOfImage(t, s, temperature, rowWeight));
}

/**
 * T^2 KL of the teacher's and the student's contextual affinity at each position of one level (Eq. 6 of the paper).
 * Never negative. Not differentiable.
 * @param teacher `[batch, height, width, channels]`
 * @param student same shape as `teacher`.
 * @returns `[batch, height, width]`. The caller disposes it.
 * @throws {DskdError} `shape-mismatch`, or `invalid-argument` for a temperature below 1e-20.
 */
export function contextualAffinityMap(
  teacher: Tensor4D,
  student: Tensor4D,
  { temperature = 1 }: ContextualAffinityOptions = {},
): Tensor3D {
  checkTemperature(temperature);
  return mapByImage(teacher, student, (t, s) => affinityOfImage(t, s, temperature));
}

/** Number of similarities in one block of rows: 1 MB. */
const BLOCK_ENTRIES = 2 ** 18;

/** {@link highTemperatureRows} needs exp(4 / T), the largest ratio of two probabilities, as a float32. */
const LOWEST_HIGH_TEMPERATURE = 0.05;

/** Number of rows of a block: a divisor of `positions` near the limit if there is one, so that no row is padding. */
function rowsOfBlock(positions: number): number {
  const limit = Math.max(1, Math.min(positions, Math.floor(BLOCK_ENTRIES / positions)));
  for (let rows = limit; rows > limit / 2; rows--) if (positions % rows === 0) return rows;
  return limit;
}

/**
 * Contextual affinity of one image from unit vectors `[positions, channels]`, one block of rows at a time.
 *
 * With t, s the unit vectors and p the softmax over j of t_i.t_j / T, let a_ij = (s_i - t_i).t_j / T, centered by its
 * mean under p_i. Then KL_i = log1p(u_i), u_i = sum_j p_ij expm1(a_ij). This form is accurate for a small difference of
 * teacher and student, where the difference of two log-softmaxes is mostly rounding. Its gradient with respect to s_i is
 * sum_j p_ij (expm1(a_ij) - u_i) / (1 + u_i) t_j / T. Temperatures below 0.05 use {@link lowTemperatureRows}, which
 * cannot overflow.
 * @param rowWeight weight of each row's divergence in the loss; without it no gradient is computed.
 */
function affinityOfImage(
  teacher: Tensor2D,
  student: NormalizedRows,
  temperature: number,
  rowWeight?: number,
): ImageAffinity {
  return tf.tidy(() => {
    const [positions] = teacher.shape;
    const isLow = temperature < LOWEST_HIGH_TEMPERATURE;
    // One tidy for what only the blocks need: it is freed before they are joined.
    const { excesses, shifts, gradients } = tf.tidy(() =>
      blocksOfImage(teacher, student, temperature, rowWeight),
    );
    const joined = (blocks: readonly Tensor2D[]): Tensor2D => firstRows(tf.concat([...blocks]), positions);
    const grown = tf.mul<Tensor2D>(log1pOfPositive(joined(excesses)), temperature ** 2);
    const divergence = isLow ? tf.add<Tensor2D>(grown, tf.mul(joined(shifts), temperature)) : grown;
    return rowWeight === undefined ? { divergence } : { divergence, gradient: joined(gradients) };
  });
}

/** What {@link affinityOfImage} computes, block by block; `[rows, 1]`, and gradients `[rows, channels]`. */
type AffinityBlocks = {
  readonly excesses: Tensor2D[];
  /** None where they are 0. */
  readonly shifts: Tensor2D[];
  /** None without a weight. */
  readonly gradients: Tensor2D[];
};

function blocksOfImage(
  teacher: Tensor2D,
  student: NormalizedRows,
  temperature: number,
  rowWeight?: number,
): AffinityBlocks {
  const [positions] = teacher.shape;
  const isLow = temperature < LOWEST_HIGH_TEMPERATURE;
  // matMul's transposeB is ten times slower on wasm.
  const keys = tf.tidy(() => tf.mul<Tensor2D>(tf.transpose(teacher), isLow ? 1 : 1 / temperature));
  // |s - t| <= 2 bounds a by 2 / T, and centering doubles the bound.
  const halvings = isLow ? 0 : halvingsFor(4 / temperature, hasFastTanh() ? TANH_REACH : REACH);
  const blockRows = rowsOfBlock(positions);
  const teacherBlocks = rowBlocks(teacher, blockRows);
  const studentBlocks = rowBlocks(student.unit, blockRows);
  const normBlocks = rowBlocks(student.inverseNorm, blockRows);
  const excesses: Tensor2D[] = [];
  const shifts: Tensor2D[] = [];
  const gradients: Tensor2D[] = [];
  for (let block = 0; block < positions / blockRows; block++) {
    const { excess, shift, gradient } = tf.tidy(() => {
      const queries = rowsAt(teacherBlocks, block);
      const similarities: Tensor2D = isLow ? stagedProduct(queries, keys) : tf.matMul(queries, keys);
      const unit = rowsAt(studentBlocks, block);
      const changes = tf.tidy(() => tf.matMul<Tensor2D>(tf.mul(tf.sub(unit, queries), 2 ** -halvings), keys));
      const { excess, shift, weights } = isLow
        ? lowTemperatureRows(similarities, changes, temperature)
        : highTemperatureRows(similarities, changes, {
            ...{ halvings, temperature },
            withWeights: rowWeight !== undefined,
          });
      const kept = { excess, ...(shift && { shift }) };
      if (rowWeight === undefined) return kept;
      const toUnit = tf.tidy(() =>
        tf.mul<Tensor2D>(tf.matMul(weights(), teacher), tf.div(rowWeight * temperature, tf.add(excess, 1))),
      );
      const rows = { unit, inverseNorm: rowsAt(normBlocks, block) };
      return { ...kept, gradient: throughNormalization(toUnit, rows) };
    }) as { excess: Tensor2D; shift?: Tensor2D; gradient?: Tensor2D };
    excesses.push(excess);
    if (shift) shifts.push(shift);
    if (gradient) gradients.push(gradient);
  }
  return { excesses, shifts, gradients };
}

/** The divergence of a block of rows. Tensors are `[rows, 1]` unless stated otherwise. */
interface AffinityRows {
  /** u >= 0, where KL is `shift / T + log1p(u)`. */
  readonly excess: Tensor2D;
  /** Absent when it is 0 in all rows. */
  readonly shift?: Tensor2D;
  /** Computes `(1 + u) (q - p)`, `[rows, positions]`. */
  readonly weights: () => Tensor2D;
}

/**
 * A kernel that a backend may have in addition to those of TensorFlow.js: `@dskd/wasm-gradients` registers it for wasm. It computes what
 * {@link highTemperatureRows} does in some thirty operations: from `logits` and `changes` `[rows, positions]` the `excess` `[rows, 1]` and, with
 * `withWeights`, the `weights` `[rows, positions]`. It returns nothing where it cannot.
 */
const ROWS_KERNEL = 'ContextualAffinityRows';

interface AffinityRowsAttributes {
  /** No entry of `logits` is larger, but for rounding. */
  readonly largest: number;
  /** The changes are to be multiplied by 2^halvings. */
  readonly halvings: number;
  readonly withWeights: boolean;
}

interface HighTemperature {
  readonly halvings: number;
  readonly temperature: number;
  readonly withWeights: boolean;
}

/**
 * @param logits t_i.t_j / T, `[rows, positions]`.
 * @param changes a_ij = (s_i - t_i).t_j / T, times 2^-halvings so that they and their centered values are within the reach of
 * what computes expm1.
 */
function highTemperatureRows(
  logits: Tensor2D,
  changes: Tensor2D,
  { halvings, temperature, withWeights }: HighTemperature,
): AffinityRows {
  const fused = tf.getKernel(ROWS_KERNEL, tf.getBackend()) as tf.KernelConfig | undefined;
  if (fused) {
    const attributes: AffinityRowsAttributes = { largest: 1 / temperature, halvings, withWeights };
    const [excess, weights] = tf
      .engine()
      .runKernel<Tensor2D[]>(ROWS_KERNEL, { logits, changes }, { ...attributes });
    if (excess) return { excess, weights: () => weights! };
  }
  const p = tf.softmax(logits);
  // One tidy per step: these are the largest tensors, and each should be freed as soon as possible.
  const e = tf.tidy(() => {
    const mean = tf.tidy(() => rowSums(tf.mul(p, changes)));
    const centered = tf.sub<Tensor2D>(changes, mean);
    return hasFastTanh() ? expm1ByTanh(centered, halvings) : expm1OfDoubled(centered, halvings);
  });
  const excess = tf.tidy(() => tf.relu<Tensor2D>(rowSums(tf.mul(p, e))));
  return { excess, weights: () => tf.mul(p, tf.sub(e, excess)) };
}

/** exp(20) times any number of positions is within float32. */
const LARGEST_EXPONENT = 20;

/**
 * As {@link highTemperatureRows}, for temperatures so low that exp(a) can overflow float32, or p be 0 where q is not:
 * p and q are kept as logarithms, and a factor e^shift is taken out of q where its largest value exceeds e^20.
 * Logarithms are multiplied by T, so that they do not overflow either.
 * @param similarities t_i.t_j, `[rows, positions]`.
 * @param changes (s_i - t_i).t_j
 */
function lowTemperatureRows(similarities: Tensor2D, changes: Tensor2D, temperature: number): AffinityRows {
  const below = tf.sub(similarities, tf.max(similarities, 1, true));
  const logSum = tf.log(rowSums(tf.exp(tf.div(below, temperature))));
  const logP = tf.sub<Tensor2D>(below, tf.mul(logSum, temperature));
  const p = tf.exp<Tensor2D>(tf.div(logP, temperature));
  const centered = tf.sub<Tensor2D>(changes, rowSums(tf.mul(p, changes)));
  // T times the logarithm of q (1 + u) e^shift.
  const logQ = tf.add(logP, centered);
  const shift = tf.relu<Tensor2D>(tf.sub(tf.max(logQ, 1, true), LARGEST_EXPONENT * temperature));
  const change = tf.div<Tensor2D>(tf.sub(centered, shift), temperature);
  const growth = tf.where<Tensor2D>(
    tf.less(tf.abs(change), REACH),
    tf.mul(p, expm1OfDoubled(tf.clipByValue(change, -REACH, REACH), 0)),
    tf.sub(tf.exp(tf.div(tf.sub(logQ, shift), temperature)), p),
  );
  const excess = tf.relu(rowSums(growth));
  return { excess, shift, weights: () => tf.sub(growth, tf.mul(p, excess)) };
}

// The expm1 and log1p kernels are exp(x) - 1 and log(1 + x) on the GPU backends, and slow on wasm. The functions below
// use the four basic operations, which are fast and accurate to the last place on every backend.

/** Largest |x| for the rational form of {@link expm1OfDoubled}; its relative error there is 5e-7. */
const REACH = 0.5;

/** The number of halvings that bring `bound` to at most `reach`. */
function halvingsFor(bound: number, reach: number): number {
  return Math.max(0, Math.ceil(Math.log2(bound / reach)));
}

/**
 * `exp(2^halvings x) - 1` with the relative accuracy of float32 near 0, for |x| <= {@link REACH}.
 * x / (1 - x/2 + x^2/12 - x^4/720) is exp(x) - 1 up to x^6/30240.
 */
function expm1OfDoubled<T extends Tensor>(x: T, halvings: number): T {
  return tf.tidy(() => {
    const q = tf.square(x);
    const even = tf.add(tf.mul(q, tf.add(tf.mul(q, -1 / 720), 1 / 12)), 1);
    return doubled(tf.div<T>(x, tf.sub(even, tf.mul(x, 0.5))), halvings);
  });
}

/** `exp(2^halvings x) - 1` from `exp(x) - 1`: e (e + 2) doubles the argument. */
function doubled<T extends Tensor>(e: T, halvings: number): T {
  let result: Tensor = e;
  for (let i = 0; i < halvings; i++) result = tf.mul(result, tf.add(result, 2));
  return result as T;
}

/** A backend whose tanh takes no longer than a few basic operations, and is accurate relative to its value near 0. */
interface TanhBackend {
  readonly hasFastTanh?: boolean;
}

/** Of no backend of TensorFlow.js; of ONNX Runtime, for which `@dskd/onnx` records. */
function hasFastTanh(): boolean {
  return (tf.backend() as TanhBackend).hasFastTanh === true;
}

/** Largest |x| for {@link expm1ByTanh}: 1 - tanh(x) is then at least 0.03, and its rounding error at most 2e-6 of it. */
const TANH_REACH = 2;

/** As {@link expm1OfDoubled}, in fewer operations: `exp(2 x) - 1 = 2 tanh(x) / (1 - tanh(x))`. */
function expm1ByTanh<T extends Tensor>(x: T, halvings: number): T {
  return tf.tidy(() => {
    const half = tf.tanh(halvings > 0 ? x : tf.mul(x, 0.5));
    return doubled(tf.div<T>(tf.mul(half, 2), tf.sub(1, half)), Math.max(0, halvings - 1));
  });
}

/**
 * `log(1 + u)` for u >= 0 with the relative accuracy of float32 near 0:
 * 2 artanh(z), z = u / (2 + u), by its series where u < 0.5.
 */
function log1pOfPositive<T extends Tensor>(u: T): T {
  return tf.tidy(() => {
    const z = tf.div(u, tf.add(u, 2));
    const q = tf.square(z);
    let series: Tensor = tf.add(tf.mul(q, 1 / 9), 1 / 7);
    for (const coefficient of [1 / 5, 1 / 3, 1]) series = tf.add(tf.mul(series, q), coefficient);
    return tf.where<T>(tf.less(u, 0.5), tf.mul(tf.mul(z, 2), series), tf.log(tf.add(u, 1)));
  });
}
