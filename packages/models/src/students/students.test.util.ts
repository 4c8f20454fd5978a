import * as tf from '@tensorflow/tfjs';
import { integerFill } from '@dskd/test-support';
import type { StateDict } from '@dskd/weights';
import type {
  GccbVariant,
  StudentArchitecture,
  StudentBranch,
  StudentOptions,
  StudentPreset,
} from './student-config.js';
import { createStudent, type TrainableStudent } from './create-student.js';

/** Every entry of a student from the formula that tools/golden/students.py uses. */
export async function fillStudent(student: TrainableStudent): Promise<void> {
  const state: StateDict = new Map();
  for (const [name, { dtype, shape }] of await student.stateDict()) {
    state.set(name, { dtype, shape, data: integerFill(name, shape) });
  }
  student.loadStateDict(state);
}

/** One tensor per level, filled in torch's layout. The caller disposes them. */
export function filledMaps(student: TrainableStudent, name: string, batch: number): tf.Tensor4D[] {
  const { levels, mapSizes } = student.config;
  return levels.map(({ channels }, level) => {
    const shape: [number, number, number, number] = [batch, channels, ...mapSizes[level]!];
    return tf.tidy(() =>
      tf.transpose(tf.tensor4d(integerFill(`${name}.${level}`, shape), shape), [0, 2, 3, 1]),
    );
  });
}

/** The gradients of sum(outputs * factors) in one training pass, by name. The caller disposes them. */
export function gradientsOf(
  student: TrainableStudent,
  features: readonly tf.Tensor4D[],
  factors: readonly tf.Tensor4D[],
): Map<string, tf.Tensor> {
  const { value, grads } = tf.variableGrads(() => {
    const outputs = student.forward(features, { training: true });
    return tf.addN<tf.Scalar>(outputs.map((y, level) => tf.sum(tf.mul(y, factors[level]!))));
  }, [...student.parameters.values()]);
  value.dispose();
  return new Map([...student.parameters].map(([name, variable]) => [name, grads[variable.name]!]));
}

export interface RegistryCase {
  readonly title: string;
  readonly preset: StudentPreset;
  readonly branch: StudentBranch;
  readonly variant?: GccbVariant;
}

const VARIANTS: readonly GccbVariant[] = ['full', 'depthwise', 'pool', 'pyramid', 'none'];

/** Every preset in every branch, the global one with every GCCB. */
export const REGISTRY: readonly RegistryCase[] = (['paper', 'lite', 'nano'] as const).flatMap((preset) => [
  { title: `${preset} local`, preset, branch: 'local' as const },
  ...VARIANTS.map((variant) => ({
    title: `${preset} global ${variant}`,
    preset,
    branch: 'global' as const,
    variant,
  })),
]);

const SMALL: Partial<StudentArchitecture> = {
  decoderWidths: [3, 4, 5],
  fusionWidths: [3, 4],
  phiChannels: 6,
};

/** A preset at widths that take no time. */
export function smallOptions(
  { preset, branch, variant }: RegistryCase,
  inputSize: readonly [number, number],
): StudentOptions {
  return {
    preset,
    branch,
    inputSize,
    levels: [4, 6, 8].map((channels, level) => ({
      name: `level${level + 1}`,
      channels,
      stride: 4 * 2 ** level,
    })),
    ...(variant ? { gccb: { variant, channels: 4 } } : {}),
    architecture: preset === 'paper' ? {} : SMALL,
  };
}

export function smallStudent(entry: RegistryCase, inputSize: readonly [number, number]): TrainableStudent {
  return createStudent(smallOptions(entry, inputSize));
}
