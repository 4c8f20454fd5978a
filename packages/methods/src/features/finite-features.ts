import { DskdError } from '@dskd/base';

/**
 * Refuses features that hold NaN or infinity.
 * @param level index of the teacher's level.
 * @param first index of the first image that `data` is of.
 * @throws {DskdError} `invalid-argument`
 */
export function assertFiniteFeatures(data: Float32Array, level: number, first: number): void {
  if (data.every((value) => Number.isFinite(value))) return;
  throw new DskdError(
    'invalid-argument',
    `Got NaN or infinity in level ${level + 1} of the features of the images from ${first} on.`,
    {
      hint: 'Look for NaN in the images and in the weights of the network.',
      details: { level: level + 1, first },
    },
  );
}
