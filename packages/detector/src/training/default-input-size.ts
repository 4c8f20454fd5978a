import { isDskdError } from '@dskd/base';
import type { ImageSource } from '@dskd/data';
import { TRAINING_DEFAULTS, type Method, type Size } from '@dskd/methods';

/** Whether an image cannot be used; all of them are told of together, before the training. */
function isUnusable(error: unknown): boolean {
  return isDskdError(error, 'image-unreadable') || isDskdError(error, 'file-not-found');
}

/**
 * The input size where none is given. The first good image of the source that can be read tells, whichever are held
 * out: the seed must not decide it.
 */
export async function defaultInputSize(source: ImageSource, { preferredSide }: Method): Promise<Size> {
  const { inputSize } = TRAINING_DEFAULTS;
  if (preferredSide === undefined) return inputSize;
  for (const sample of source.samples) {
    if (sample.split !== 'train' || sample.label !== 'good') continue;
    try {
      const { width, height } = await sample.load();
      return Math.min(width, height) >= preferredSide ? [preferredSide, preferredSide] : inputSize;
    } catch (error) {
      if (!isUnusable(error)) throw error;
    }
  }
  return inputSize;
}
