import { DskdError } from '@dskd/base';
import type { PixelSize } from '@dskd/data';
import type { Method, Size } from '@dskd/methods';
import { THUMBNAIL_SIDE } from '../artifact/description.js';
import { thumbnailSize } from '../inference/thumbnails.js';

/**
 * Refuses thumbnails for a model that would not show any.
 * @param keepsPatches whether it keeps patches; undefined where only the fitted model tells.
 * @throws {DskdError} `invalid-config`
 */
export function assertThumbnailsShown(method: string, side: number, keepsPatches: boolean | undefined): void {
  if (keepsPatches !== false) return;
  throw new DskdError(
    'invalid-config',
    `Got thumbnails of ${side} pixels; the method ${method}, with these options, keeps no patches that they would show.`,
    {
      hint: 'Leave thumbnails out, or use instant or patchcore, which keep patches.',
      details: { method, thumbnails: side, keepsPatches },
    },
  );
}

/**
 * The size of thumbnails of `side` pixels; null without them.
 * @throws {DskdError} `invalid-config`: a side out of range, a method that is known to keep no patches.
 */
export function resolveThumbnails(
  side: number | undefined,
  inputSize: Size,
  method: Method,
  options: unknown,
): PixelSize | null {
  if (side === undefined) return null;
  const { least, most } = THUMBNAIL_SIDE;
  if (!Number.isInteger(side) || side < least || side > most) {
    throw new DskdError(
      'invalid-config',
      `Got thumbnails of ${side} pixels; wanted a whole number from ${least} to ${most}.`,
      { hint: '64 pixels show a part well enough to find a place on it.', details: { thumbnails: side } },
    );
  }
  assertThumbnailsShown(method.name, side, method.keepsPatches?.(options));
  return thumbnailSize(inputSize, side);
}
