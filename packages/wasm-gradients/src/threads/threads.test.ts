import type { DskdEvent } from '@dskd/base';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import * as platform from '#platform';
import { registerWasmGradients, startWasmThreads, type WasmThreads } from '../index.js';
import { filled, runKernel } from '../on-both-backends.test.util.js';
import { startWasmThreadsWith } from './start.js';

let undo: () => void;
let threads: WasmThreads | undefined;

beforeAll(async () => {
  await tf.setBackend('wasm');
  undo = registerWasmGradients();
});
afterEach(async () => {
  await threads?.end();
  threads = undefined;
});
afterAll(() => undo());

const counts = (): number[] => [tf.memory().numTensors, tf.backend().numDataIds()];

/** The values of `work`, which may leave nothing behind. */
function valuesOf(work: () => tf.Tensor): Float32Array {
  const before = counts();
  // Not what tidy returns, all of which it would search for tensors.
  let values = new Float32Array();
  tf.tidy(() => {
    values = work().dataSync<'float32'>() as Float32Array<ArrayBuffer>;
  });
  expect(counts()).toEqual(before);
  return values;
}

type Work = () => tf.Tensor;

/** Compares bytes: `toEqual` takes seconds for so many numbers. */
function expectBits(work: Work, wanted: Float32Array): void {
  const [got, bytes] = [valuesOf(work), wanted].map(({ buffer }) => new Uint8Array(buffer));
  expect(Buffer.compare(got!, bytes!)).toBe(0);
}

/** Convolutions large enough to be divided: of any padding, stride and dilation, with images and blocks that end anywhere. */
const anyConvolution: fc.Arbitrary<Work> = fc
  .record({
    batch: fc.integer({ min: 1, max: 3 }),
    height: fc.integer({ min: 17, max: 40 }),
    width: fc.integer({ min: 17, max: 40 }),
    kernel: fc.constantFrom(2, 3, 5),
    stride: fc.constantFrom(1, 1, 2),
    dilation: fc.constantFrom(1, 1, 3),
    inChannels: fc.constantFrom(3, 50, 97),
    outChannels: fc.constantFrom(31, 64, 70),
    pad: fc.constantFrom('same' as const, 'valid' as const, 2),
    activation: fc.constantFrom('linear' as const, 'relu' as const),
  })
  .map(
    ({ batch, height, width, kernel, stride, dilation, inChannels, outChannels, pad, activation }) =>
      () =>
        tf.fused.conv2d({
          x: filled([batch, height, width, inChannels], 1) as tf.Tensor4D,
          filter: filled([kernel, kernel, inChannels, outChannels], 2) as tf.Tensor4D,
          strides: dilation === 1 ? stride : 1,
          dilations: dilation,
          pad,
          bias: filled([outChannels], 3),
          activation,
          ...(typeof pad === 'number' && { dimRoundingMode: 'floor' as const }),
        }),
  );

/** Convolutions in tiles, large enough to be divided, with images whose last line of tiles may be half a line. */
const anyConvolutionInTiles: fc.Arbitrary<Work> = fc
  .record({
    batch: fc.integer({ min: 1, max: 3 }),
    height: fc.integer({ min: 17, max: 40 }),
    width: fc.integer({ min: 17, max: 40 }),
    inChannels: fc.constantFrom(48, 100),
    outChannels: fc.constantFrom(60, 64),
    pad: fc.constantFrom('same' as const, 'valid' as const, 2),
    activation: fc.constantFrom('linear' as const, 'relu' as const),
  })
  .map(
    ({ batch, height, width, inChannels, outChannels, pad, activation }) =>
      () =>
        tf.fused.conv2d({
          x: filled([batch, height, width, inChannels], 1) as tf.Tensor4D,
          filter: filled([3, 3, inChannels, outChannels], 2) as tf.Tensor4D,
          ...{ strides: 1, pad, bias: filled([outChannels], 3), activation },
          ...(typeof pad === 'number' && { dimRoundingMode: 'floor' as const }),
        }),
  );

/** Products large enough to be divided, some with sums that are split. */
const anyProduct: fc.Arbitrary<Work> = fc
  .record({
    rows: fc.integer({ min: 61, max: 200 }),
    inner: fc.constantFrom(513, 1001, 4099),
    columns: fc.integer({ min: 150, max: 200 }),
    transposeA: fc.boolean(),
    transposeB: fc.boolean(),
    batch: fc.constantFrom(1, 2),
  })
  .map(
    ({ rows, inner, columns, transposeA, transposeB, batch }) =>
      () =>
        tf.matMul(
          filled([batch, ...(transposeA ? [inner, rows] : [rows, inner])], 1),
          filled([batch, ...(transposeB ? [columns, inner] : [inner, columns])], 2),
          transposeA,
          transposeB,
        ),
  );

const inputGradient: Work = () =>
  runKernel(
    'Conv2DBackpropInput',
    { dy: filled([2, 16, 16, 64], 1), filter: filled([3, 3, 50, 64], 2) },
    { inputShape: [2, 31, 31, 50], strides: [2, 2], pad: 'same', dataFormat: 'NHWC' },
  );

/** More than is copied to a helper at a time. */
const manyImages: Work = () =>
  tf.conv2d(
    filled([12, 64, 64, 40], 1) as tf.Tensor4D,
    filled([3, 3, 40, 31], 2) as tf.Tensor4D,
    ...([1, 'same'] as const),
  );

describe.each([2, 3])('with %d threads', (count) => {
  test('convolutions, their input gradients and products are the bits of one thread', async () => {
    const works = [
      ...fc.sample(anyConvolution, { numRuns: 12, seed: 3 }),
      ...fc.sample(anyConvolutionInTiles, { numRuns: 8, seed: 5 }),
      ...fc.sample(anyProduct, { numRuns: 8, seed: 4 }),
      inputGradient,
      manyImages,
    ];
    const alone = works.map(valuesOf);
    threads = await startWasmThreads({ threads: count });
    expect(threads.threads).toBe(count);
    // Of a filter that is kept, and of one that is not.
    works.forEach((work, i) => expectBits(work, alone[i]!));
    await until(() => {
      works.forEach((work, i) => expectBits(work, alone[i]!));
      return threads!.helped >= 4;
    });
  });
});

/** Repeats `work` until it returns true; fails after half a minute. */
async function until(work: () => boolean): Promise<void> {
  const end = performance.now() + 30_000;
  while (!work()) {
    expect(performance.now()).toBeLessThan(end);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A convolution whose filter is used again, so that it is kept packed. */
function repeated(): { work: Work; dispose: () => void } {
  const x = filled([1, 40, 40, 64], 1) as tf.Tensor4D;
  const filter = filled([3, 3, 64, 64], 2) as tf.Tensor4D;
  return { work: () => tf.conv2d(x, filter, 1, 'same'), dispose: () => tf.dispose([x, filter]) };
}

test('a filter that stays, and then is another one, gives the bits of one thread; the heap does not grow', async () => {
  const first = repeated();
  const alone = valuesOf(first.work);
  threads = await startWasmThreads({ threads: 2 });
  const heap = (tf.backend() as unknown as BackendWasm).wasm as unknown as { HEAPU8: Uint8Array };
  let bytes: number | undefined;
  for (let i = 0; i < 30; i++) {
    const again = repeated();
    for (let k = 0; k < 3; k++) expectBits(again.work, alone);
    again.dispose();
    bytes ??= heap.HEAPU8.byteLength;
  }
  expect(heap.HEAPU8.byteLength).toBe(bytes);
  first.dispose();
});

const withModule = (module: URL): typeof platform => ({
  ...platform,
  startHelper: (data) => platform.startHelper(data, module),
});

test('a helper that ends in the middle of its work: the right result, a warning, one thread', async () => {
  const { work, dispose } = repeated();
  const alone = valuesOf(work);
  const events: DskdEvent[] = [];
  threads = await startWasmThreadsWith(
    { threads: 2, onEvent: (event) => events.push(event) },
    withModule(new URL('./dying-helper.test.util.js', import.meta.url)),
  );
  await until(() => {
    expectBits(work, alone);
    return events.length > 0;
  });
  expect(events).toEqual([
    {
      type: 'warning',
      message: 'A helper thread of the wasm kernels has ended (killed). They go on with one thread.',
    },
  ]);
  expect(threads.threads).toBe(1);
  expectBits(work, alone);
  expect(threads.helped).toBe(0);
  dispose();
});

test('a helper that is late is not waited for, and what it then says is not used', async () => {
  const { work, dispose } = repeated();
  const alone = valuesOf(work);
  threads = await startWasmThreadsWith(
    { threads: 2 },
    withModule(new URL('./late-helper.test.util.js', import.meta.url)),
  );
  const start = performance.now();
  for (let i = 0; i < 40; i++) expectBits(work, alone);
  // It took one block at least and was late with it; 40 times would be 12 s.
  expect(performance.now() - start).toBeLessThan(6000);
  expect(threads.helped).toBe(0);
  dispose();
});

test('a helper that does not start is an error, and the next start may succeed', async () => {
  await expect(
    startWasmThreadsWith(
      { threads: 2 },
      withModule(new URL('./failing-helper.test.util.js', import.meta.url)),
    ),
  ).rejects.toMatchObject({ code: 'worker-failed', message: expect.stringContaining('no memory') as string });
  threads = await startWasmThreads({ threads: 2 });
  expect(threads.threads).toBe(2);
});

test('threads are shared by all who start them, and end with the last; ending twice changes nothing', async () => {
  const first = await startWasmThreads({ threads: 2 });
  const second = await startWasmThreads({ threads: 3 });
  expect([first.threads, second.threads]).toEqual([2, 2]);
  await first.end();
  await first.end();
  expect(second.threads).toBe(2);
  await second.end();
  expect([first.threads, second.threads]).toEqual([1, 1]);
  threads = await startWasmThreads({ threads: 3 });
  await second.end();
  expect(threads.threads).toBe(3);
});

test('one thread starts nothing; nor does any number where memory cannot be shared', async () => {
  const unreachable: typeof platform.startHelper = () => {
    throw new Error('not to be called');
  };
  const page = { canShareMemory: () => false, startHelper: unreachable };
  const { work, dispose } = repeated();
  const alone = valuesOf(work);
  for (const [count, replaced] of [
    [1, { ...platform, startHelper: unreachable }],
    [4, page],
  ] as const) {
    const one = await startWasmThreadsWith({ threads: count }, replaced);
    expectBits(work, alone);
    expect([one.threads, one.helped]).toEqual([1, 0]);
    await one.end();
  }
  dispose();
});

test.each([0, 1.5, NaN])('%d threads are refused', async (count) => {
  await expect(startWasmThreads({ threads: count })).rejects.toMatchObject({ code: 'invalid-argument' });
});
