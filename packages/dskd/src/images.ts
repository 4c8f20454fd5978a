import { describeValue, DskdError } from '@dskd/base';
import {
  sourceOf,
  toRgb,
  type ImageInput,
  type ImageSource,
  type LoadOptions,
  type Sample,
} from '@dskd/data';
import type { NamedFolders } from '@dskd/data/node';
import { decode, openFolders, openPath } from '#platform';

/**
 * An image: a path (in Node) or an address, encoded bytes (a `Buffer`), pixels (`ImageData`, `PixelBuffer`); in a browser
 * also a `File`, `Blob`, `ImageBitmap`, canvas, image or video element.
 */
export type ImageLike = string | URL | Uint8Array | ImageInput | ImageBitmapSource;

/** Any number of images. */
export type ImagesLike = Iterable<ImageLike> | AsyncIterable<ImageLike>;

/**
 * Images of good parts: a folder or manifest (in Node; layouts as `openSource` of `@dskd/data/node` takes them), folders
 * that are named, `{ good: 'ok', bad: ['ko'], masks: 'masks' }` (in Node), a source of `@dskd/data`, or images.
 */
export type TrainingData = string | NamedFolders | ImageSource | ImagesLike;

/** How images are opened. */
export interface OpenOptions {
  readonly category?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What the call says of all images in a plain folder. */
  readonly label?: 'good';
  /** What named good images are for. Default `'train'`. */
  readonly split?: 'test';
}

/** A program in plain JavaScript may hand over anything, often the `undefined` of a file that was not chosen. */
function assertObject(value: unknown, wanted: string): asserts value is object {
  if (typeof value === 'object' && value !== null) return;
  throw new DskdError('invalid-argument', `Got ${describeValue(value)}; wanted ${wanted}.`);
}

/**
 * Whether `images` is one image. Strings and typed arrays are iterable, too, and are one.
 * @throws {DskdError} `invalid-argument` for what is neither text nor an object
 */
export function isOneImage(images: ImageLike | ImagesLike): images is ImageLike {
  if (typeof images === 'string' || ArrayBuffer.isView(images)) return true;
  assertObject(images, 'an image (path, URL, encoded bytes or pixels) or several');
  return !(Symbol.iterator in images) && !(Symbol.asyncIterator in images);
}

/** The pixels of an image: as they are, or decoded: RGB, upright, mapped by an intensity range where one is given. */
export async function pixelsOf(
  image: ImageLike,
  options: LoadOptions & { readonly signal?: AbortSignal | undefined } = {},
): Promise<ImageInput> {
  if (typeof image !== 'string') assertObject(image, 'an image (path, URL, encoded bytes or pixels)');
  if (typeof image === 'object' && 'data' in image && 'width' in image) return image;
  return decode(image, options);
}

function isSource(data: object): data is ImageSource {
  return 'samples' in data && 'fingerprint' in data;
}

function areFolders(data: object): data is NamedFolders {
  const isIterable = Symbol.iterator in data || Symbol.asyncIterator in data;
  return !isIterable && ('good' in data || 'bad' in data);
}

function nameOf(image: ImageLike, index: number): string {
  if (typeof image === 'string') return image;
  if (image instanceof URL) return image.href;
  return typeof File === 'function' && image instanceof File ? image.name : `image ${index}`;
}

/**
 * The images as a source. Images in memory are all good and for training; a tenth of them is kept back to calibrate.
 * @throws {DskdError} `invalid-argument`, `dataset-invalid`, `file-not-found`, `image-unreadable`, `aborted`
 */
export async function sourceFrom(
  data: TrainingData,
  { category, signal, label, split }: OpenOptions,
): Promise<ImageSource> {
  if (typeof data === 'string') return openPath(data, { category, signal, ...(label && { label }) });
  assertObject(data, 'a folder, a source of images, or images');
  if (isSource(data)) return data;
  if (category !== undefined) {
    throw new DskdError('invalid-argument', `Got the category ${category}, but no folder to find it in.`);
  }
  if (areFolders(data)) return openFolders({ ...(split && { split }), ...data }, signal);
  const samples: Sample[] = [];
  const ids = new Set<string>();
  for await (const image of data) {
    const name = nameOf(image, samples.length);
    const id = ids.has(name) ? `${name} (${samples.length})` : name;
    ids.add(id);
    if (typeof image !== 'string') assertObject(image, `an image as number ${samples.length}`);
    const pixels = typeof image === 'object' && 'data' in image ? await pixelsOf(image) : undefined;
    samples.push({
      id,
      split: 'train',
      label: 'good',
      defectType: 'good',
      load: async (options) => toRgb(pixels ?? (await pixelsOf(image, { ...options, signal }))),
    });
  }
  return sourceOf('images', samples);
}
