import { DskdError, type PixelBuffer } from '@dskd/base';

/** Turns pixels (1 or 3 channels) into the bytes of a PNG. */
export type Encode = (pixels: PixelBuffer) => Promise<Uint8Array>;

/**
 * Encodes by sharp, an optional peer dependency.
 * @throws {DskdError} `dependency-missing`
 */
export async function sharpEncoder(): Promise<Encode> {
  let sharp;
  try {
    sharp = (await import('sharp')).default;
  } catch (cause) {
    throw new DskdError(
      'dependency-missing',
      'Images are written by the package sharp (0.34 or newer), which could not be loaded.',
      { hint: 'npm install sharp, or give an encoder of your own.', cause },
    );
  }
  return async ({ data, width, height, channels }) =>
    sharp(data, { raw: { width, height, channels: channels as 1 | 3 } })
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .png()
      .toBuffer();
}
