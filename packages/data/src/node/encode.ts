import { assertPixelBuffer, DskdError, type PixelBuffer } from '@dskd/base';
import { loadSharp } from './sharp.js';

/**
 * Writes pixels as a PNG, without loss.
 * @param pixels 1 (grey), 3 (RGB) or 4 (RGBA) channels.
 * @throws {DskdError} `invalid-argument`, `dependency-missing`
 */
export async function encodePng(pixels: PixelBuffer): Promise<Uint8Array> {
  assertPixelBuffer(pixels);
  const { data, width, height, channels } = pixels;
  if (channels !== 1 && channels !== 3 && channels !== 4) {
    throw new DskdError('invalid-argument', `Got ${channels} channels; a PNG takes 1, 3 or 4.`);
  }
  const sharp = await loadSharp();
  const png = await sharp(data, { raw: { width, height, channels } })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .png()
    .toBuffer();
  return new Uint8Array(png.buffer, png.byteOffset, png.length);
}
