import { DskdError } from '@dskd/base';
import type * as tf from '@tensorflow/tfjs-core';
import type { ModelEnd, ModelRun } from './model-run.js';

/** A side that the model leaves open is undefined. */
export interface InputContract {
  readonly batch: number | undefined;
  readonly height: number | undefined;
  readonly width: number | undefined;
}

function describe({ name, shape, dtype }: ModelEnd): string {
  return `'${name}' ${dtype} [${shape ? shape.map((side) => side ?? 'any').join(', ') : 'unknown shape'}]`;
}

/**
 * What images a model takes.
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

/** @throws {DskdError} `shape-mismatch` unless `images` is float32 `[batch, height, width, 3]` of what the model takes. */
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
