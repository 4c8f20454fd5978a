import { assertPixelBuffer, DskdError, type PixelBuffer } from '@dskd/base';
import { resizeBilinearAntialiased } from '@dskd/core';
import { tensor4d, type Tensor4D } from '@tensorflow/tfjs-core';

/** The size of what the network sees, in pixels. */
export interface PreparedSize {
  readonly height: number;
  readonly width: number;
}

/**
 * From a picture to what the network sees: squeezed to `size`, sides apart, antialiased bilinear (Pillow's
 * bytes). Training, evaluation and prediction all come through here.
 * @param pixels RGB, 3 channels.
 * @throws {DskdError} `invalid-argument`, `shape-mismatch`
 */
export function preparePixels(pixels: PixelBuffer, { height, width }: PreparedSize): PixelBuffer {
  assertPixelBuffer(pixels);
  if (pixels.channels !== 3) {
    throw new DskdError(
      'shape-mismatch',
      `Got a picture of ${pixels.channels} channels, wanted 3 (red, green, blue).`,
      { hint: 'Decode pictures with decodeImage, which always returns RGB.' },
    );
  }
  return resizeBilinearAntialiased(pixels, { width, height });
}

/**
 * From a ground truth to network size: the mask (0 good, anything else anomalous) is resized like the
 * picture and cut at one half, as RD4AD does.
 * @param mask 1 channel.
 * @returns `height * width` values, row-major, 1 anomalous, 0 good.
 * @throws {DskdError} `invalid-argument`, `shape-mismatch`
 */
export function prepareMask(mask: PixelBuffer, { height, width }: PreparedSize): Uint8Array {
  assertPixelBuffer(mask);
  if (mask.channels !== 1) {
    throw new DskdError('shape-mismatch', `Got a mask of ${mask.channels} channels, wanted 1.`);
  }
  const binary = { ...mask, data: Uint8Array.from(mask.data, (value) => (value === 0 ? 0 : 255)) };
  const { data } = resizeBilinearAntialiased(binary, { width, height });
  return Uint8Array.from(data, (value) => (value > 127.5 ? 1 : 0));
}

const UNIT = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);

/**
 * Stacks pictures of one size into a batch.
 * @param pictures at least one, RGB, 3 channels.
 * @returns float32 `[batch, height, width, 3]`, RGB, byte / 255. The caller disposes it.
 * @throws {DskdError} `invalid-argument`, `shape-mismatch`
 */
export function toImageTensor(pictures: readonly PixelBuffer[]): Tensor4D {
  const first = pictures[0];
  if (!first) throw new DskdError('invalid-argument', 'Got no pictures, wanted at least one.');
  const { width, height } = first;
  const length = width * height * 3;
  const values = new Float32Array(pictures.length * length);
  for (const [index, picture] of pictures.entries()) {
    assertPixelBuffer(picture);
    if (picture.width !== width || picture.height !== height || picture.channels !== 3) {
      throw new DskdError(
        'shape-mismatch',
        `Picture ${index} of the batch is ${picture.width} x ${picture.height} x ${picture.channels}; ` +
          `wanted ${width} x ${height} x 3, as the first.`,
        { hint: 'Bring the pictures to one size with preparePixels.' },
      );
    }
    const offset = index * length;
    for (let i = 0; i < length; i++) values[offset + i] = UNIT[picture.data[i]!]!;
  }
  return tensor4d(values, [pictures.length, height, width, 3], 'float32');
}
