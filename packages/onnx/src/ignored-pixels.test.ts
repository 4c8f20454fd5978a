import { randomStream } from '@dskd/base';
import { useBackend } from '@dskd/test-support';
import { exportDetector } from './export-detector.js';
import { corner, exportedThroughFiles, TEST_IMAGES } from './small-detectors.test.util.js';
import { loadOnnxDetector } from './runtime/index.js';
import { openSession } from './runtime/onnx-runtime.js';

beforeAll(() => useBackend('wasm'));

const SIZE = [50, 74] as const;
const input = { size: SIZE };

test('masks of single images need an input of the graph, which an option adds', async () => {
  const { detector, onnx } = await exportedThroughFiles({ method: 'fre', input });
  const ignored = corner(...SIZE);
  await expect(onnx.predict(TEST_IMAGES[5]!, { ignored })).rejects.toMatchObject({
    code: 'invalid-argument',
    hint: expect.stringContaining('--masks') as string,
  });
  const withMasks = await loadOnnxDetector(await exportDetector(detector, { masks: true }));
  const [wanted, got] = [
    await detector.predict(TEST_IMAGES[5]!, { ignored }),
    await withMasks.predict(TEST_IMAGES[5]!, { ignored }),
  ];
  expect(got.score / wanted.score).toBeCloseTo(1, 4);
  expect(got.score).toBeLessThan((await detector.predict(TEST_IMAGES[5]!)).score);
  expect(got.ignored).toEqual(wanted.ignored);
  for (const each of [detector, onnx, withMasks]) each.dispose();
});

test.each([
  ['instant', { method: 'instant', input: { ...input, ignored: corner(...SIZE) } }],
  [
    'in tiles',
    {
      method: 'instant',
      input: { size: [48, 72], tiles: { size: 32, overlap: 8 }, ignored: corner(48, 72) },
    },
  ],
  [
    'gaussian, in a letterbox',
    { method: 'gaussian', input: { size: [64, 64], fit: 'letterbox', ignored: corner(64, 64) } },
  ],
] as const)(
  'the graph itself hides ignored pixels, also from programs that do not: %s',
  async (_, options) => {
    const { detector, onnx, bytes } = await exportedThroughFiles(options);
    const [height, width] = detector.inputSize;
    const { ort, session } = await openSession(bytes, {});
    const outputsOf = async (seed: number): Promise<Record<string, readonly number[]>> => {
      const ground = randomStream(1, 'ground');
      const noise = randomStream(seed, 'noise');
      const images = Uint8Array.from({ length: 2 * height * width * 3 }, (_, at) => {
        const below = Math.floor(256 * ground.uniform());
        const isIgnored = detector.ignored![Math.floor(at / 3) % (height * width)] === 1;
        return isIgnored ? Math.floor(256 * noise.uniform()) : below;
      });
      const results = await session.run({
        images: new ort.Tensor('uint8', images, [2, height, width, 3]),
        ...(session.inputNames.includes('used') && {
          used: new ort.Tensor('uint8', new Uint8Array(2 * height * width).fill(1), [2, height, width]),
        }),
      });
      return Object.fromEntries(
        Object.entries(results).map(([name, { data }]) => [name, Array.from(data as Float32Array)]),
      );
    };
    const wanted = await outputsOf(1);
    expect(new Set(wanted.score).size).toBe(2);
    expect(await outputsOf(2)).toEqual(wanted);
    await session.release();
    for (const each of [detector, onnx]) each.dispose();
  },
);
