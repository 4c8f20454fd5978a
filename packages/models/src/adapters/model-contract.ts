import { DskdError } from '@dskd/base';
import type { FeatureLevel } from '@dskd/core';
import type * as tf from '@tensorflow/tfjs-core';

/** An input or output of a model, as tfjs describes it. */
export interface ModelEnd {
  readonly name: string;
  /** `null` or -1 where the size is open. */
  readonly shape?: readonly (number | null)[];
  readonly dtype: string;
}

/** A model as the adapters use it: its input, and a function that computes the outputs that become levels. */
export interface ModelRun {
  readonly name: string;
  readonly inputs: readonly ModelEnd[];
  /** Names of the results of `run`, in their order. */
  readonly outputs: readonly string[];
  run(images: tf.Tensor4D): tf.Tensor[];
  /** For models with nodes that cannot be computed synchronously. */
  runAsync?(images: tf.Tensor4D): Promise<tf.Tensor[]>;
}

/** The results as an array: tfjs returns a single output without one. */
export function asArray(results: tf.Tensor | tf.Tensor[]): tf.Tensor[] {
  return Array.isArray(results) ? results : [results];
}

/** Shape of the images that a model takes. `undefined` where the size is open. */
export interface InputContract {
  readonly batch: number | undefined;
  readonly height: number | undefined;
  readonly width: number | undefined;
}

function describe({ name, shape, dtype }: ModelEnd): string {
  return `'${name}' ${dtype} [${shape ? shape.map((side) => side ?? 'any').join(', ') : 'unknown shape'}]`;
}

/**
 * Returns the shape of the images that a model takes.
 * @throws {DskdError} `invalid-argument` unless it has one input of float32 `[batch, height, width, 3]`.
 */
export function inputContract({ name, inputs }: Pick<ModelRun, 'name' | 'inputs'>): InputContract {
  const side = (index: number): number | undefined => {
    const value = inputs[0]?.shape?.[index] ?? -1;
    return value < 0 ? undefined : value;
  };
  const fits =
    inputs.length === 1 &&
    inputs[0]!.dtype === 'float32' &&
    (inputs[0]!.shape?.length ?? 4) === 4 &&
    (side(3) ?? 3) === 3;
  if (!fits) {
    throw new DskdError(
      'invalid-argument',
      `Got model ${name} with ${inputs.length === 1 ? 'input' : 'inputs'} ${inputs.map(describe).join(', ')}; ` +
        'wanted one input, float32 [batch, height, width, 3].',
      { hint: 'Export the model with images as its only input, channels last.' },
    );
  }
  return { batch: side(0), height: side(1), width: side(2) };
}

/**
 * @throws {DskdError} `shape-mismatch` unless `images` is float32 `[batch, height, width, 3]` and of the model's
 * size.
 */
export function checkImages(name: string, contract: InputContract, { shape, dtype }: tf.Tensor): void {
  const wanted = [contract.batch, contract.height, contract.width, 3] as const;
  const fits =
    dtype === 'float32' &&
    shape.length === 4 &&
    wanted.every((side, axis) => (side === undefined ? shape[axis]! > 0 : side === shape[axis]));
  if (fits) return;
  const names = ['batch', 'height', 'width'];
  throw new DskdError(
    'shape-mismatch',
    `Got images of ${dtype} [${shape.join(', ')}]; ${name} takes ` +
      `float32 [${wanted.map((side, axis) => side ?? names[axis]).join(', ')}], RGB in 0..1.`,
    { details: { shape: [...shape], dtype, wanted: wanted.map((side) => side ?? null) } },
  );
}

/** One output of a dry run. */
interface Found {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Input pixels per position if it is the same whole number in both directions, else undefined. */
function strideOf(
  [, height, width]: readonly number[],
  inputSize: readonly [number, number],
): number | undefined {
  const [down, across] = [inputSize[0] / height!, inputSize[1] / width!].map(Math.round);
  return down === across && down! >= 1 ? down : undefined;
}

/**
 * Returns the levels of an adapted model: `given`, or derived from the shapes of a dry run.
 * @throws {DskdError} `invalid-argument` with all outputs that are not feature maps or that differ from `given`.
 */
export function findLevels(
  model: string,
  found: readonly Found[],
  inputSize: readonly [number, number],
  given: readonly FeatureLevel[] | undefined,
): FeatureLevel[] {
  const problems: string[] = [];
  if (given && given.length !== found.length) {
    problems.push(`levels are given for ${given.length} outputs, the model has ${found.length}`);
  }
  const levels = found.flatMap(({ name, shape }, index): FeatureLevel[] => {
    const [, , , channels] = shape;
    const level = given?.[index];
    if (shape.length !== 4 || channels === undefined) {
      problems.push(`'${name}' is [${shape.join(', ')}], wanted [batch, height, width, channels]`);
      return [];
    }
    if (level && level.channels !== channels) {
      problems.push(
        `'${name}' has ${channels} channels, level '${level.name}' was given with ${level.channels}`,
      );
    }
    const stride = level?.stride ?? strideOf(shape, inputSize);
    if (stride === undefined) {
      problems.push(
        `'${name}' is ${shape[1]} x ${shape[2]} for an image of ${inputSize.join(' x ')}: the stride is not the same whole number in both directions`,
      );
      return [];
    }
    return [{ name: level?.name ?? name, channels, stride }];
  });
  const names = levels.map(({ name }) => name);
  if (new Set(names).size !== names.length) problems.push(`names repeat: ${names.join(', ')}`);
  if (problems.length > 0) {
    throw new DskdError('invalid-argument', `Model ${model} has no usable levels: ${problems.join('; ')}.`, {
      hint: 'Name the layers or nodes whose outputs are feature maps, or give levels with their strides.',
      details: { problems },
    });
  }
  return levels;
}
