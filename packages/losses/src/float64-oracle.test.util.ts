import { randomStream } from '@dskd/base';

/** The definitions in float64, unoptimized. Features are row-major `[positions, channels]` of one image. */
export interface RowResult {
  readonly value: number;
  /** Gradient of `value` with respect to the student's vector before its normalization. */
  readonly gradient: Float64Array;
}

/** A loop: tests take millions of these, and `reduce` calls a function for every entry. */
export function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * y[i]!;
  return sum;
}

export function rowsOf(
  data: ArrayLike<number>,
  channels: number,
  start = 0,
  count = data.length / channels,
): Float64Array[] {
  return Array.from({ length: count }, (_, row) =>
    Float64Array.from({ length: channels }, (__, c) => data[(start + row) * channels + c]!),
  );
}

function unit(x: Float64Array): Float64Array {
  const norm = Math.sqrt(dot(x, x));
  return x.map((value) => value / norm);
}

export function throughNormalization(gradient: Float64Array, x: Float64Array): Float64Array {
  const s = unit(x);
  const along = dot(gradient, s);
  const norm = Math.sqrt(dot(x, x));
  return gradient.map((value, c) => (value - along * s[c]!) / norm);
}

function logSoftmax(logits: Float64Array): Float64Array {
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const log = largest + Math.log(logits.reduce((sum, x) => sum + Math.exp(x - largest), 0));
  return logits.map((x) => x - log);
}

/** Row `index`: T^2 sum_j p_j (log p_j - log q_j), and T sum_j (q_j - p_j) t_j through the normalization. */
export function affinityRow(
  teacherUnits: readonly Float64Array[],
  index: number,
  student: Float64Array,
  temperature: number,
): RowResult {
  const similarities = (x: Float64Array) =>
    logSoftmax(Float64Array.from(teacherUnits, (t) => dot(x, t) / temperature));
  const logP = similarities(teacherUnits[index]!);
  const logQ = similarities(unit(student));
  let divergence = 0;
  const gradient = new Float64Array(student.length);
  for (const [j, t] of teacherUnits.entries()) {
    divergence += Math.exp(logP[j]!) * (logP[j]! - logQ[j]!);
    const weight = temperature * (Math.exp(logQ[j]!) - Math.exp(logP[j]!));
    for (let c = 0; c < t.length; c++) gradient[c]! += weight * t[c]!;
  }
  return { value: temperature ** 2 * divergence, gradient: throughNormalization(gradient, student) };
}

export const unitsOf = (rows: readonly Float64Array[]): Float64Array[] => rows.map(unit);

/**
 * A teacher of vectors in four clusters, as features are, and a student whose units are about `distance` away.
 * @param spread of a cluster, as a part of its center's length.
 */
export function teacherAndStudent(
  positions: number,
  channels: number,
  distance: number,
  spread = 0.7,
): { teacher: Float32Array; student: Float32Array } {
  const random = randomStream(5, 'features', positions, channels);
  const centers = Float64Array.from({ length: 4 * channels }, () => random.normal());
  const teacher = new Float32Array(positions * channels);
  const student = new Float32Array(positions * channels);
  for (let i = 0; i < positions; i++) {
    const center = random.integer(4) * channels;
    const row = Float64Array.from(
      { length: channels },
      (_, c) => centers[center + c]! + spread * random.normal(),
    );
    const t = unit(row);
    const noise = unit(Float64Array.from({ length: channels }, () => random.normal()));
    teacher.set(row, i * channels);
    student.set(
      t.map((value, c) => 2 * (value + distance * noise[c]!)),
      i * channels,
    );
  }
  return { teacher, student };
}
