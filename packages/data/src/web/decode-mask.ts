import type { PixelBuffer } from '@dskd/base';
import { inSlices } from '../turns.js';
import { decodeImage } from './decode.js';

/**
 * Reads a ground-truth mask: 1 channel, upright, 255 where any color channel is not 0, else 0. Of 16 bits a browser gives the
 * upper 8.
 * @throws {DskdError} as {@link decodeImage}
 */
export async function decodeMask(file: File): Promise<PixelBuffer> {
  const { data: rgb, width, height } = await decodeImage(file);
  const data = new Uint8Array(width * height);
  await inSlices(data.length, (first, end) => {
    for (let pixel = first, at = first * 3; pixel < end; pixel++, at += 3) {
      data[pixel] = rgb[at] === 0 && rgb[at + 1] === 0 && rgb[at + 2] === 0 ? 0 : 255;
    }
  });
  return { data, width, height, channels: 1 };
}
