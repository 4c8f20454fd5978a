import { expectClose } from '@dskd/test-support';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { anyPaddingOfSides } from '../convolutions.test.util.js';
import { registerWasmGradients } from '../index.js';
import { filled, onBothBackends, runKernel } from '../on-both-backends.test.util.js';
import { isForTiles, tilesOfBlock } from './tiles.js';

type Shape4D = [number, number, number, number];

interface Convolution {
  readonly x: Shape4D;
  readonly filter: Shape4D;
  readonly pad: 'same' | 'valid' | tf.backend_util.ExplicitPadding;
}

const side = fc.integer({ min: 2, max: 11 });
const amount = fc.integer({ min: 0, max: 2 });

/** Convolutions that are computed in tiles: odd sides, borders on each side, and a last panel that is not full. */
const anyConvolution: fc.Arbitrary<Convolution> = fc
  .record({
    batch: fc.integer({ min: 1, max: 3 }),
    size: fc.tuple(side, side),
    inChannels: fc.constantFrom(16, 20, 36),
    outChannels: fc.constantFrom(16, 20, 24),
    pad: anyPaddingOfSides(amount),
  })
  .map(
    ({ batch, size, inChannels, outChannels, pad }): Convolution => ({
      x: [batch, ...size, inChannels],
      filter: [3, 3, inChannels, outChannels],
      pad,
    }),
  )
  .filter((convolution) => isForTiles(infoOf(convolution)));

function infoOf({ x, filter, pad }: Convolution): tf.backend_util.Conv2DInfo {
  const rounding = typeof pad === 'string' ? undefined : 'floor';
  return tf.backend_util.computeConv2DInfo(x, filter, 1, 1, pad, rounding);
}

function attributesOf({ pad }: Convolution): object {
  const dimRoundingMode = typeof pad === 'string' ? {} : { dimRoundingMode: 'floor' };
  return { strides: [1, 1], dilations: [1, 1], pad, dataFormat: 'NHWC', ...dimRoundingMode };
}

const forward = (convolution: Convolution): tf.Tensor =>
  runKernel(
    'Conv2D',
    { x: filled(convolution.x, 1), filter: filled(convolution.filter, 2) },
    attributesOf(convolution),
  );

const filterGradient = (convolution: Convolution): tf.Tensor =>
  runKernel(
    'Conv2DBackpropFilter',
    { x: filled(convolution.x, 1), dy: filled(infoOf(convolution).outShape, 2) },
    { ...attributesOf(convolution), filterShape: convolution.filter },
  );

// The tolerances of convolutions by the definition: conv2d.test.ts and convolutions.test.util.ts.
const CLOSE = { relative: 1e-5, absolute: 1e-6 };

beforeAll(() => {
  registerWasmGradients();
});

describe.each([
  ['convolution', forward],
  ['filter gradient', filterGradient],
] as const)('%s in tiles', (_, work) => {
  test('any size, border and number of channels gives the cpu result', async () => {
    await fc.assert(
      fc.asyncProperty(anyConvolution, async (convolution) => {
        const { cpu, wasm } = await onBothBackends(() => work(convolution));
        expectClose(wasm, cpu, { ...CLOSE, absolute: 1e-5 });
      }),
      { numRuns: 40, seed: 5 },
    );
  });

  test('its error from the definition in float64 is that of float32', async () => {
    const convolution: Convolution = { x: [1, 12, 11, 32], filter: [3, 3, 32, 40], pad: 'same' };
    const { wasm } = await onBothBackends(() => work(convolution));
    const exact = work === forward ? exactForward(convolution) : exactFilterGradient(convolution);
    const size = Math.sqrt(exact.reduce((sum, value) => sum + value ** 2, 0));
    const error = Math.sqrt(exact.reduce((sum, value, at) => sum + (value - wasm[at]!) ** 2, 0));
    expect(error / size).toBeLessThan(5e-7);
  });
});

test('several blocks of tiles, the last of them not full', async () => {
  await tf.setBackend('wasm');
  const shape: Shape4D = [3, 29, 30, 32];
  const tiles = 3 * 15 * 15;
  expect(tilesOfBlock(72, tiles)).toBeLessThan(tiles);
  expect(tilesOfBlock(72, tiles / 3)).toBeGreaterThan(tiles / 3);
  tf.tidy(() => {
    const filter = filled([3, 3, 32, 40], 2) as tf.Tensor4D;
    const images = filled(shape, 1) as tf.Tensor4D;
    const dy = filled([3, 29, 30, 40], 3) as tf.Tensor4D;
    const gradientOf = (x: tf.Tensor, of: tf.Tensor): tf.Tensor =>
      runKernel(
        'Conv2DBackpropFilter',
        { x, dy: of },
        { strides: [1, 1], pad: 'same', dataFormat: 'NHWC', filterShape: [3, 3, 32, 40] },
      );
    const alone = tf.unstack(images).map((image) => tf.expandDims<tf.Tensor4D>(image));
    const ofEach = tf.unstack(dy).map((each) => tf.expandDims(each));
    expect(tf.conv2d(images, filter, 1, 'same').dataSync()).toEqual(
      tf.concat(alone.map((image) => tf.conv2d(image, filter, 1, 'same'))).dataSync(),
    );
    const sum = tf.addN(alone.map((image, at) => gradientOf(image, ofEach[at]!)));
    expectClose(gradientOf(images, dy).dataSync(), sum.dataSync(), { relative: 1e-5, absolute: 5e-5 });
  });
});

test.each(['linear', 'relu', 'relu6'] as const)(
  'with bias and %s, and a filter used again',
  async (activation) => {
    const { cpu, wasm } = await onBothBackends(() => {
      const filter = filled([3, 3, 16, 20], 2) as tf.Tensor4D;
      const bias = filled([20], 3);
      return tf.concat(
        [1, 4, 5].map(
          (seed) =>
        tf.fused.conv2d({ x: filled([2, 9, 7, 16], seed) as tf.Tensor4D, filter, strides: 1, pad: 'same', bias, activation }), // prettier-ignore
        ),
      );
    });
    expectClose(wasm, cpu, { ...CLOSE, absolute: 1e-5 });
  },
);

test('an output of one row is not computed in tiles, nor are channels that do not fill vectors', () => {
  const info = (x: Shape4D, filter: Shape4D): boolean => isForTiles(infoOf({ x, filter, pad: 'same' }));
  expect(info([1, 8, 8, 16], [3, 3, 16, 16])).toBe(true);
  expect(info([1, 1, 8, 16], [3, 3, 16, 16])).toBe(false);
  expect(info([1, 8, 8, 18], [3, 3, 18, 16])).toBe(false);
  expect(info([1, 8, 8, 16], [3, 3, 16, 12])).toBe(false);
  expect(info([1, 8, 8, 16], [5, 3, 16, 16])).toBe(false);
});

/** Calls `visit` with the indexes of x, filter and output of each product of the definition. */
function eachProduct(
  convolution: Convolution,
  visit: (x: number, filter: number, out: number) => void,
): void {
  const { inHeight, inWidth, inChannels, outHeight, outWidth, outChannels, padInfo } = infoOf(convolution);
  for (let y = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++) {
      for (let tap = 0; tap < 9; tap++) {
        const row = y - padInfo.top + Math.floor(tap / 3);
        const column = x - padInfo.left + (tap % 3);
        if (row < 0 || row >= inHeight || column < 0 || column >= inWidth) continue;
        for (let from = 0; from < inChannels; from++) {
          for (let to = 0; to < outChannels; to++) {
            visit(
              (row * inWidth + column) * inChannels + from,
              (tap * inChannels + from) * outChannels + to,
              (y * outWidth + x) * outChannels + to,
            );
          }
        }
      }
    }
  }
}

function valuesOf(shape: readonly number[], seed: number): Float32Array {
  return tf.tidy(() => filled(shape, seed).dataSync<'float32'>());
}

function exactForward(convolution: Convolution): Float64Array {
  const [x, filter] = [valuesOf(convolution.x, 1), valuesOf(convolution.filter, 2)];
  const out = new Float64Array(tf.util.sizeFromShape(infoOf(convolution).outShape));
  eachProduct(convolution, (i, j, k) => (out[k]! += x[i]! * filter[j]!));
  return out;
}

function exactFilterGradient(convolution: Convolution): Float64Array {
  const [x, dy] = [valuesOf(convolution.x, 1), valuesOf(infoOf(convolution).outShape, 2)];
  const out = new Float64Array(tf.util.sizeFromShape(convolution.filter));
  eachProduct(convolution, (i, j, k) => (out[j]! += x[i]! * dy[k]!));
  return out;
}
