import { assertPixelBuffer, DskdError, type PixelBuffer } from '@dskd/base';
import type { Sharp } from 'sharp';
import { loadSharp } from './sharp.js';

/** Passes pixels to sharp, in a color space that keeps gray images gray. */
async function sharpOf(format: string, pixels: PixelBuffer): Promise<Sharp> {
  assertPixelBuffer(pixels);
  const { data, width, height, channels } = pixels;
  if (channels !== 1 && channels !== 3 && channels !== 4) {
    throw new DskdError('invalid-argument', `Got ${channels} channels; a ${format} takes 1, 3 or 4.`);
  }
  const sharp = await loadSharp();
  return sharp(data, { raw: { width, height, channels } }).toColourspace(channels === 1 ? 'b-w' : 'srgb');
}

async function bytesOf(image: Sharp): Promise<Uint8Array> {
  const { buffer, byteOffset, length } = await image.toBuffer();
  return new Uint8Array(buffer, byteOffset, length);
}

export interface EncodeOptions {
  /** PNG is lossless. WebP is smaller but lossy, for images that are only viewed. Default `png`. */
  readonly format?: 'png' | 'webp';
  /** Quality of a WebP, 1 to 100. Default 75. */
  readonly quality?: number;
}

/**
 * Encodes pixels as an image file.
 * @param pixels 1 (gray), 3 (RGB) or 4 (RGBA) channels; for WebP no side longer than 16383.
 * @returns the bytes of the file.
 * @throws {DskdError} `invalid-argument`, `dependency-missing`
 */
export async function encodeImage(
  pixels: PixelBuffer,
  { format = 'png', quality = 75 }: EncodeOptions = {},
): Promise<Uint8Array> {
  if (format === 'png') return bytesOf((await sharpOf('PNG', pixels)).png());
  return bytesOf((await sharpOf('WebP', pixels)).webp({ quality, smartSubsample: true }));
}
