import { assertPixelBuffer, describeValue, DskdError, type PixelBuffer } from '@dskd/base';
import { inSlices } from './turns.js';

/** Pixels of a canvas or a video frame: `ImageData`, or an object of the same shape. RGBA, 8 bits, interleaved. */
export interface ImageDataLike {
  readonly data: Uint8ClampedArray | Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** An image in memory: gray (1 channel), RGB (3) or RGBA (4); without `channels` it is RGBA. */
export type ImageInput = PixelBuffer | ImageDataLike;

/** Expands gray to three equal channels. */
function fromGray(gray: Uint8Array | Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array(gray.length * 3);
  for (let pixel = 0, to = 0; pixel < gray.length; pixel++) {
    const value = gray[pixel]!;
    rgb[to++] = value;
    rgb[to++] = value;
    rgb[to++] = value;
  }
  return rgb;
}

/** @throws {DskdError} `invalid-argument` for anything without pixels: a path, the bytes of a file, an element of a page. */
function assertPixels(image: unknown): void {
  if (typeof image === 'object' && image !== null && 'data' in image && 'width' in image) return;
  throw new DskdError(
    'invalid-argument',
    `Got ${describeValue(image)} as an image; wanted its pixels, { data, width, height, channels }.`,
    {
      hint:
        'decodeImage of @dskd/data/node reads a file or its bytes, that of @dskd/data/web also elements of a page; ' +
        'predictFiles of @dskd/detector/node scores files. The package dskd takes them itself.',
    },
  );
}

/**
 * Converts an image in memory to RGB, by the same rules as decoding of files: gray becomes three equal channels,
 * alpha is composited over black.
 * @returns 3 channels; an RGB image is returned itself, not a copy.
 * @throws {DskdError} `invalid-argument` for what has no pixels, if the data are not bytes or their length does not match, `shape-mismatch`
 * for another number of channels.
 */
export function toRgb(image: ImageInput): PixelBuffer {
  assertPixels(image);
  const { data, width, height } = image;
  const channels = 'channels' in image ? image.channels : 4;
  // Not instanceof: images may come from iframes and workers, which have their own classes.
  const got = Object.prototype.toString.call(data).slice(8, -1);
  if (got !== 'Uint8Array' && got !== 'Uint8ClampedArray') {
    throw new DskdError(
      'invalid-argument',
      `Got an image of ${got}; wanted Uint8Array or Uint8ClampedArray.`,
      {
        hint: 'Pass bytes 0 to 255; decodeImage and getImageData return them.',
        details: { got },
      },
    );
  }
  assertPixelBuffer({ data, width, height, channels });
  const kept = {
    width,
    height,
    channels: 3,
    ...('intensityRange' in image && { intensityRange: image.intensityRange }),
  };
  if (channels === 3) return { ...kept, data };
  if (channels === 1) return { ...kept, data: fromGray(data) };
  if (channels === 4) return { ...kept, data: overBlack(data) };
  throw new DskdError('shape-mismatch', `Got an image of ${channels} channels; wanted 1, 3 or 4.`, {
    hint: 'Supported are gray, RGB and RGBA.',
    details: { channels },
  });
}

/** Each color times each opacity, `Math.round(color * alpha / 255)`, in integers. */
const product = (color: number, alpha: number): number => ((2 * color * alpha + 255) / 510) | 0;

/**
 * Composites interleaved colors over black: each color times its opacity, rounded. Fully transparent pixels become
 * black, independent of their stored color.
 * @param source 8 bits, `channels` per pixel, the first three are colors.
 * @param rgb gets the result, from the same pixel on.
 * @param layout.alpha which channel is opacity; undefined: all pixels are opaque.
 * @param range the first pixel and the one after the last.
 */
export function compositePixels(
  source: Uint8Array | Uint8ClampedArray,
  rgb: Uint8Array,
  { channels, alpha }: { readonly channels: number; readonly alpha: number | undefined },
  [first, end]: readonly [number, number],
): void {
  for (let pixel = first, from = first * channels, to = first * 3; pixel < end; pixel++, from += channels) {
    const opacity = alpha === undefined ? 255 : source[from + alpha]!;
    if (opacity === 255) {
      rgb[to++] = source[from]!;
      rgb[to++] = source[from + 1]!;
      rgb[to++] = source[from + 2]!;
    } else {
      rgb[to++] = product(source[from]!, opacity);
      rgb[to++] = product(source[from + 1]!, opacity);
      rgb[to++] = product(source[from + 2]!, opacity);
    }
  }
}

/**
 * Composites RGBA over black.
 * @param rgba interleaved, 8 bits.
 * @returns RGB, interleaved.
 */
function overBlack(rgba: Uint8Array | Uint8ClampedArray): Uint8Array {
  const pixels = rgba.length / 4;
  const rgb = new Uint8Array(pixels * 3);
  compositePixels(rgba, rgb, { channels: 4, alpha: 3 }, [0, pixels]);
  return rgb;
}

/** Whether all pixels of an image are alike. */
export function isConstant({ data, channels }: PixelBuffer): Promise<boolean> {
  return inSlices(data.length - channels, (first, end) => {
    for (let at = first; at < end; at++) if (data[at] !== data[at + channels]) return false;
    return true;
  });
}
