import { assertPixelBuffer, DskdError, type PixelBuffer } from '@dskd/base';
import type { Sharp } from 'sharp';
import { loadSharp } from './sharp.js';

/** The pixels for sharp, in a color space that keeps gray gray. */
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

/**
 * Writes pixels as a PNG, without loss.
 * @param pixels 1 (gray), 3 (RGB) or 4 (RGBA) channels.
 * @throws {DskdError} `invalid-argument`, `dependency-missing`
 */
export async function encodePng(pixels: PixelBuffer): Promise<Uint8Array> {
  return bytesOf((await sharpOf('PNG', pixels)).png());
}

/**
 * Writes pixels as a WebP, smaller and with loss: for images that people look at.
 * @param pixels 1 (gray), 3 (RGB) or 4 (RGBA) channels, no side longer than 16383.
 * @param quality 1 to 100. Default 75.
 * @throws {DskdError} `invalid-argument`, `dependency-missing`
 */
export async function encodeWebp(
  pixels: PixelBuffer,
  { quality = 75 }: { readonly quality?: number } = {},
): Promise<Uint8Array> {
  return bytesOf((await sharpOf('WebP', pixels)).webp({ quality, smartSubsample: true }));
}
