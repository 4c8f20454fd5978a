import { DskdError } from '@dskd/base';

/** The error after all others were scored. */
export function unreadableImages(unreadable: number, images: number): DskdError {
  return new DskdError('image-unreadable', `${unreadable} of ${images} images could not be read.`, {
    hint: unreadable < images ? 'Their lines say why; the others were scored.' : 'Their lines say why.',
  });
}
