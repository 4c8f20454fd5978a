import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { whitening } from './cholesky.js';
import { Pacer } from './pacer.js';
import { assertFiniteRows, assertShape, assertWhole, type Rows } from './rows.js';
import { fixSigns, type Subspace } from './subspace.js';
import { symmetricEigen } from './symmetric-eigen.js';

/** Values of a block of columns: 2 MB. */
const BLOCK_VALUES = 1 << 19;
/** Part of the whole variance below which a direction cannot be told from the rounding errors of float32 products. */
const RESOLUTION = 1e-6;

export interface SubspaceOptions {
  readonly signal?: AbortSignal;
  /** Blocks of work done, of all. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** `[count, to - from]`: some columns of rows, less the mean. */
function columnsOf({ data, count, width }: Rows, from: number, to: number, mean?: Float64Array): Tensor2D {
  const block = new Float32Array(count * (to - from));
  for (let row = 0, i = 0; row < count; row++) {
    for (let column = from; column < to; column++, i++) {
      block[i] = data[row * width + column]! - (mean ? mean[column]! : 0);
    }
  }
  return tf.tensor2d(block, [count, to - from], 'float32');
}

async function downloadAndDispose(tensor: Tensor2D): Promise<Float32Array> {
  try {
    return (await tensor.data()) as Float32Array;
  } finally {
    tensor.dispose();
  }
}

/** Products of a block's rows with each other. Disposes the block. */
async function gramOf(block: Tensor2D): Promise<Float32Array> {
  const gram = tf.tidy(() => tf.matMul<Tensor2D>(block, tf.transpose(block)));
  block.dispose();
  return await downloadAndDispose(gram);
}

/** `left`, `[count, block's rows]` row-major, times the block. Disposes the block. */
async function productOf(left: Float32Array, count: number, block: Tensor2D): Promise<Float32Array> {
  const product = tf.tidy(() =>
    tf.matMul<Tensor2D>(tf.tensor2d(left, [count, block.shape[0]], 'float32'), block),
  );
  block.dispose();
  return await downloadAndDispose(product);
}

function addTo(sum: Float64Array, values: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += values[i]!;
}

/** Writes a block of columns into rows. */
function setColumns({ data, count, width }: Rows, from: number, block: Float32Array): void {
  const length = block.length / count;
  for (let row = 0; row < count; row++) {
    data.set(block.subarray(row * length, (row + 1) * length), row * width + from);
  }
}

/**
 * Principal components of few rows of a large width, as `sklearn.decomposition.PCA`, by the eigenvectors of the `n x n`
 * matrix of their products (Sirovich 1987, "Turbulence and the dynamics of coherent structures", the method of
 * snapshots). The products are computed on the current backend in float32, by blocks of columns, and summed in float64;
 * the eigenvectors are in float64. The components are made orthonormal once more, so they are to float32's resolution.
 *
 * Yields between blocks, but not during the decomposition, whose time grows with the cube of the count of rows.
 *
 * @param rows finite; up to about 400.
 * @param components how many are wanted, at least 1. There are fewer where the rank of the centered rows is smaller
 * (none for one row), and where directions have less than a millionth of the whole variance.
 * @throws {DskdError} `invalid-argument` for values that are not finite or counts below 1; `shape-mismatch` where count
 * and width do not fit the data; `aborted`.
 */
export async function principalSubspace(
  rows: Rows,
  components: number,
  { signal, onProgress }: SubspaceOptions = {},
): Promise<Subspace> {
  assertShape('rows', rows);
  assertWhole('the count of components', components);
  const { data, count, width } = rows;
  const pacer = new Pacer(signal);
  const length = Math.min(width, Math.max(1, Math.floor(BLOCK_VALUES / count)));
  const blocks = Math.ceil(width / length);
  let done = 0;
  const eachBlock = async (work: (from: number, to: number) => Promise<void>): Promise<void> => {
    for (let from = 0; from < width; from += length) {
      await work(from, Math.min(from + length, width));
      onProgress?.(++done, 3 * blocks);
      if (pacer.isDue) await pacer.pause();
    }
  };

  for (let row = 0; row < count; row++) {
    assertFiniteRows('rows', rows, row, row + 1);
    if (pacer.isDue) await pacer.pause();
  }
  const mean = new Float64Array(width);
  const gram = new Float64Array(count * count);
  await eachBlock(async (from, to) => {
    for (let row = 0; row < count; row++) {
      for (let column = from; column < to; column++) mean[column]! += data[row * width + column]!;
    }
    for (let column = from; column < to; column++) mean[column]! /= count;
    addTo(gram, await gramOf(columnsOf(rows, from, to, mean)));
  });

  const { values, vectors } = symmetricEigen(gram, count);
  let trace = 0;
  for (let i = 0; i < count; i++) trace += gram[i * (count + 1)]!;
  const resolved = values.findIndex((value) => !(value > RESOLUTION * trace));
  const kept = Math.min(components, count - 1, width, resolved < 0 ? count : resolved);
  const result: Subspace = {
    mean: Float32Array.from(mean),
    components: { data: new Float32Array(kept * width), count: kept, width },
    variances: values.slice(0, kept).map((value) => value / (count - 1)),
  };
  if (kept === 0) {
    onProgress?.(3 * blocks, 3 * blocks);
    return result;
  }

  const combination = new Float32Array(kept * count);
  for (let i = 0; i < kept; i++) {
    const scale = 1 / Math.sqrt(values[i]!);
    for (let row = 0; row < count; row++) combination[i * count + row] = vectors[i]![row]! * scale;
  }
  const overlaps = new Float64Array(kept * kept);
  await eachBlock(async (from, to) => {
    const block = await productOf(combination, kept, columnsOf(rows, from, to, mean));
    setColumns(result.components, from, block);
    addTo(overlaps, await gramOf(tf.tensor2d(block, [kept, to - from], 'float32')));
  });
  // Rounding errors of the products, large beside a small variance, leave the components not quite orthonormal. The
  // inverse Cholesky factor of their products repairs that; it changes no component by those that come after it.
  const repair = Float32Array.from(whitening(overlaps, kept));
  await eachBlock(async (from, to) => {
    const block = await productOf(repair, kept, columnsOf(result.components, from, to));
    setColumns(result.components, from, block);
  });
  fixSigns(result.components);
  return result;
}
