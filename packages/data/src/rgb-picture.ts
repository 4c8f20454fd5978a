import { assertPixelBuffer, DskdError, type PixelBuffer } from '@dskd/base';
import { overBlack } from './visible-colour.js';

/** What a canvas or a video frame gives: `ImageData`, or anything of that shape. RGBA, 8 bits, interleaved. */
export interface ImageDataLike {
  readonly data: Uint8ClampedArray | Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** A picture in memory. Grey (1 channel), RGB (3) and RGBA (4); without `channels` it is RGBA. */
export type PictureInput = PixelBuffer | ImageDataLike;

/** Grey as three equal channels. */
function fromGrey(grey: Uint8Array | Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array(grey.length * 3);
  grey.forEach((value, index) => rgb.fill(value, index * 3, index * 3 + 3));
  return rgb;
}

/**
 * A picture in memory as RGB, by the rules by which files are decoded: grey becomes three equal channels,
 * alpha is composited over black.
 * @returns 3 channels; RGB comes back as it is, not copied.
 * @throws {DskdError} `invalid-argument` for data that are not bytes or do not fit their sides,
 * `shape-mismatch` for another number of channels.
 */
export function toRgb(picture: PictureInput): PixelBuffer {
  const { data, width, height } = picture;
  const channels = 'channels' in picture ? picture.channels : 4;
  // Not instanceof: pictures come out of iframes and workers, which have classes of their own.
  const got = Object.prototype.toString.call(data).slice(8, -1);
  if (got !== 'Uint8Array' && got !== 'Uint8ClampedArray') {
    throw new DskdError(
      'invalid-argument',
      `Got a picture of ${got}; wanted Uint8Array or Uint8ClampedArray.`,
      {
        hint: 'Give bytes 0 to 255; decodeImage and getImageData return them.',
        details: { got },
      },
    );
  }
  assertPixelBuffer({ data, width, height, channels });
  if (channels === 3) return { data, width, height, channels };
  if (channels === 1) return { data: fromGrey(data), width, height, channels: 3 };
  if (channels === 4) return { data: overBlack(data), width, height, channels: 3 };
  throw new DskdError('shape-mismatch', `Got a picture of ${channels} channels; wanted 1, 3 or 4.`, {
    hint: 'Grey, red-green-blue, or red-green-blue-alpha.',
    details: { channels },
  });
}
