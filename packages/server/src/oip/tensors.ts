import { DskdError } from '@dskd/base';
import type { ImageInput } from '@dskd/data';

function wrong(message: string, hint?: string): DskdError {
  return new DskdError('invalid-argument', message, hint === undefined ? {} : { hint });
}

/** Elements of a tensor of the type BYTES: each its length, 4 bytes with the lowest first, and its bytes. */
export function bytesElements(binary: Uint8Array, count: number): Uint8Array[] {
  const view = new DataView(binary.buffer, binary.byteOffset, binary.byteLength);
  const elements: Uint8Array[] = [];
  let at = 0;
  while (at < binary.length) {
    if (at + 4 > binary.length) throw wrong('The last element of image_bytes has no length.');
    const length = view.getUint32(at, true);
    at += 4;
    if (at + length > binary.length) {
      throw wrong(
        `An element of image_bytes has ${length} bytes; ${binary.length - at} are left.`,
        'Each element begins with its length: 4 bytes, the lowest first.',
      );
    }
    elements.push(binary.subarray(at, at + length));
    at += length;
  }
  if (elements.length !== count) throw wrongCount(elements.length, count);
  return elements;
}

/** Elements of a tensor of the type BYTES in JSON, where bytes are base64. */
export function bytesOfBase64(data: readonly unknown[], count: number): Uint8Array[] {
  if (data.length !== count) throw wrongCount(data.length, count);
  return data.map((text) => {
    if (typeof text !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
      throw wrong(
        'An element of image_bytes in JSON is not base64.',
        'Or send it as binary data, which is smaller.',
      );
    }
    return new Uint8Array(Buffer.from(text, 'base64'));
  });
}

function wrongCount(got: number, wanted: number): DskdError {
  return wrong(`Got ${got} elements of image_bytes; the shape has ${wanted}.`);
}

/** The numbers of a tensor of the type UINT8 in JSON, nested or not. */
export function uint8Values(data: readonly unknown[], shape: readonly number[]): Uint8Array {
  const values = new Uint8Array(countLeaves(data, shape.length));
  let at = 0;
  const fill = (list: readonly unknown[]): void => {
    for (const value of list) {
      if (Array.isArray(value)) fill(value);
      else if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255) {
        values[at++] = value;
      } else throw wrong('The data of images are not integers from 0 to 255.');
    }
  };
  fill(data);
  return values;
}

/** @param depth most lists within each other. */
function countLeaves(list: readonly unknown[], depth: number): number {
  if (depth === 0) throw wrong('The data of images have more dimensions than their shape.');
  let count = 0;
  for (const value of list) count += Array.isArray(value) ? countLeaves(value, depth - 1) : 1;
  return count;
}

/** Images of a tensor `[images, height, width, 3]`. */
export function pixelsOf(data: Uint8Array, shape: readonly number[]): ImageInput[] {
  const [count, height, width, channels] = shape;
  if (shape.length !== 4 || channels !== 3 || height! < 1 || width! < 1) {
    throw wrong(`Got images of the shape [${shape.join(', ')}], wanted [images, height, width, 3].`);
  }
  const length = height! * width! * 3;
  if (data.length !== count! * length) {
    throw wrong(`Got ${data.length} values for images of the shape [${shape.join(', ')}].`);
  }
  return Array.from({ length: count! }, (_, index) => ({
    data: data.subarray(index * length, (index + 1) * length),
    width: width!,
    height: height!,
    channels: 3 as const,
  }));
}
