import { isDskdError, type PixelBuffer } from '@dskd/base';
import { resizeBilinearAntialiased } from '@dskd/core/resize';
import { digestOfPixels } from '@dskd/data';
import { decodeImage } from '@dskd/data/web';
import type { Look } from './api.js';

/** Longer side of thumbnails, in pixels. */
const THUMBNAIL = 112;

/** An image of which the longer side has at most `side` pixels. */
export function fitting(pixels: PixelBuffer, side: number): PixelBuffer {
  const share = side / Math.max(pixels.width, pixels.height);
  if (share >= 1) return pixels;
  const scaled = (length: number): number => Math.max(1, Math.round(length * share));
  return resizeBilinearAntialiased(pixels, { width: scaled(pixels.width), height: scaled(pixels.height) });
}

function imageDataOf({ data, width, height, channels }: PixelBuffer): ImageData {
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      rgba[pixel * 4 + channel] = data[pixel * channels + Math.min(channel, channels - 1)]!;
    }
    rgba[pixel * 4 + 3] = 255;
  }
  return new ImageData(rgba, width, height);
}

export function bitmapOf(pixels: PixelBuffer): Promise<ImageBitmap> {
  return createImageBitmap(imageDataOf(pixels));
}

/** An image as a file. */
export async function encoded(
  pixels: PixelBuffer,
  type: 'image/png' | 'image/webp' = 'image/png',
): Promise<Blob> {
  const canvas = new OffscreenCanvas(pixels.width, pixels.height);
  canvas.getContext('2d')!.putImageData(imageDataOf(pixels), 0, 0);
  return canvas.convertToBlob({ type, quality: 0.8 });
}

/** Why a file cannot be read. Its name is shown beside it. */
function problemOf(error: unknown): string {
  if (isDskdError(error, 'image-unreadable') && typeof error.details.problem === 'string') {
    return `${error.details.problem}.`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** Decodes a file once, to say whether it can be used, and which other file has the same pixels. */
export async function lookAt(file: Blob): Promise<Look> {
  try {
    const pixels = await decodeImage(file);
    const { width, height } = pixels;
    const thumbnail = await bitmapOf(fitting(pixels, THUMBNAIL));
    return { ok: true, width, height, digest: await digestOfPixels(pixels), thumbnail };
  } catch (error) {
    return { ok: false, problem: problemOf(error) };
  }
}
