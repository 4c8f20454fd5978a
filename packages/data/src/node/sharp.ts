import { DskdError } from '@dskd/base';
import type { default as Sharp } from 'sharp';

/**
 * Loads sharp, an optional peer dependency, when it is first needed.
 * @throws {DskdError} `dependency-missing`
 */
export async function loadSharp(): Promise<typeof Sharp> {
  try {
    return (await import('sharp')).default;
  } catch (cause) {
    throw new DskdError(
      'dependency-missing',
      'Reading and writing images needs the package sharp (0.34 or newer), which could not be loaded.',
      { hint: 'npm install sharp', cause },
    );
  }
}
