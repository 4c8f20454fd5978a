import * as tf from '@tensorflow/tfjs';
import type { PixelBuffer } from '@dskd/base';
import { describeBackends } from '@dskd/test-support';
import { prepareMask, preparePixels, toImageTensor } from './prepare.js';

function image(width: number, height: number, channels = 3, shift = 0): PixelBuffer {
  const data = Uint8Array.from({ length: width * height * channels }, (_, index) => (index + shift) % 256);
  return { data, width, height, channels };
}

describeBackends('toImageTensor', () => {
  test('every byte becomes byte / 255 in float32, at its position', async () => {
    const before = tf.memory().numTensors;
    const images = [image(12, 8), image(12, 8, 3, 100)];
    const tensor = toImageTensor(images);
    expect(tensor.shape).toEqual([2, 8, 12, 3]);
    expect(tensor.dtype).toBe('float32');
    const wanted = Float32Array.from([...images[0]!.data, ...images[1]!.data], (byte) => byte / 255);
    expect(await tensor.data()).toEqual(wanted);
    tensor.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('throws when images have different sizes, are missing, or are not RGB', () => {
    const before = tf.memory().numTensors;
    expect(() => toImageTensor([])).toThrow('wanted at least one');
    expect(() => toImageTensor([image(2, 3), image(3, 2)])).toThrow(
      'Image 1 of the batch is 3 x 2 x 3; wanted 2 x 3 x 3',
    );
    expect(() => toImageTensor([image(2, 3, 4)])).toThrow('Image 0 of the batch is 2 x 3 x 4');
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('preparePixels', () => {
  test('resizes both sides independently, keeps a uniform color and an unchanged size', () => {
    const plain = { ...image(7, 5), data: new Uint8Array(7 * 5 * 3).fill(93) };
    const small = preparePixels(plain, { height: 2, width: 3 });
    expect(small).toMatchObject({ width: 3, height: 2, channels: 3 });
    expect([...small.data]).toEqual(Array<number>(18).fill(93));
    const source = image(7, 5);
    expect([...preparePixels(source, { height: 5, width: 7 }).data]).toEqual([...source.data]);
  });

  test('throws when the image is not RGB or its buffer is incomplete', () => {
    expect(() => preparePixels(image(2, 2, 4), { height: 1, width: 1 })).toThrow('4 channels, wanted 3');
    expect(() => preparePixels({ ...image(2, 2), width: 3 }, { height: 1, width: 1 })).toThrow('12 bytes');
  });
});

describe('prepareMask', () => {
  const mask = (width: number, values: readonly number[]): PixelBuffer => ({
    data: Uint8Array.from(values),
    width,
    height: values.length / width,
    channels: 1,
  });

  test('keeps what covers at least half of an output pixel, for any mask value', () => {
    // Each output pixel is the weighted mean (1 3 3 1) / 8 of the four input pixels around its center; at the edge (1
    // 3 3) / 7.
    const rows = (row: readonly number[]): PixelBuffer => mask(8, [...row, ...row]);
    const half = { width: 4, height: 1 };
    expect([...prepareMask(rows([0, 0, 0, 0, 1, 1, 1, 0]), half)]).toEqual([0, 0, 1, 1]);
    expect([...prepareMask(rows([0, 0, 0, 250, 250, 250, 0, 0]), half)]).toEqual([0, 1, 1, 0]);
    expect([...prepareMask(rows([0, 7, 0, 0, 1, 1, 255, 0]), { width: 8, height: 2 })]).toEqual([
      ...[0, 1, 0, 0, 1, 1, 1, 0],
      ...[0, 1, 0, 0, 1, 1, 1, 0],
    ]);
  });

  test('a tiny region vanishes, a full mask stays', () => {
    const speck = mask(9, [1, ...Array<number>(80).fill(0)]);
    expect([...prepareMask(speck, { width: 3, height: 3 })]).toEqual(Array<number>(9).fill(0));
    const full = mask(9, Array<number>(81).fill(3));
    expect([...prepareMask(full, { width: 3, height: 3 })]).toEqual(Array<number>(9).fill(1));
  });

  test('throws when there is more than one channel', () => {
    expect(() => prepareMask(image(2, 2), { width: 1, height: 1 })).toThrow('3 channels, wanted 1');
  });
});
