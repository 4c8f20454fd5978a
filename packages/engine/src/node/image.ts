import { describeValue, DskdError } from '@dskd/base';
import { toRgb, type ImageInput } from '@dskd/data';
import { decodeImage } from '@dskd/data/node';
import type { Predictor } from '@dskd/detector';
import { transfer } from 'comlink';

/** An image: the path of a file, its bytes, or pixels. */
export type EngineImage = string | Uint8Array | ImageInput;

/** Not instanceof: bytes may come from another realm. */
function isBytes(image: unknown): image is Uint8Array {
  return Object.prototype.toString.call(image) === '[object Uint8Array]';
}

function hasPixels(image: unknown): boolean {
  return typeof image === 'object' && image !== null && 'data' in image && 'width' in image;
}

/** Decodes a file or its bytes as the detector wants it. Pixels are passed on. */
export function readPixels(
  image: EngineImage,
  { intensityRange }: Predictor,
  maxPixels?: number,
): ImageInput | Promise<ImageInput> {
  if (typeof image === 'string' || isBytes(image)) return decodeImage(image, { intensityRange, maxPixels });
  return image;
}

/**
 * An image to be posted to a worker: a copy of its bytes, which are then moved, so that the caller keeps its own and nothing
 * else of a larger buffer is posted.
 * @throws {DskdError} `invalid-argument` for what is no image
 */
export function postedImage(image: EngineImage): EngineImage {
  if (typeof image === 'string') return image;
  if (isBytes(image)) {
    const copy = new Uint8Array(image);
    return transfer(copy, [copy.buffer]);
  }
  if (!hasPixels(image)) {
    throw new DskdError(
      'invalid-argument',
      `Got ${describeValue(image)} as an image; wanted a path, the bytes of a file, or pixels { data, width, height, channels }.`,
    );
  }
  // What has no bytes is refused by its name.
  if (!isBytes(image.data) && !(image.data instanceof Uint8ClampedArray)) return toRgb(image);
  const { data, width, height } = image;
  const copy = new (isBytes(data) ? Uint8Array : Uint8ClampedArray)(data);
  // Not a spread: an ImageData has its values in getters.
  const posted = {
    data: copy,
    width,
    height,
    ...('channels' in image && { channels: image.channels }),
    ...('intensityRange' in image && { intensityRange: image.intensityRange }),
  };
  return transfer(posted as ImageInput, [copy.buffer]);
}
