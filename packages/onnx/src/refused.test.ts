import { useBackend } from '@dskd/test-support';
import { comparePredictors } from './compare-predictors.js';
import { mutate, withoutFiniteWeights } from './mutate.test.util.js';
import { exportedThroughFiles, TEST_IMAGES } from './small-detectors.test.util.js';
import { loadOnnxDetector } from './runtime/index.js';

beforeAll(() => useBackend('wasm'));

const SIZE = [50, 74] as const;
const input = { size: SIZE };

test.each(['spade', 'sinbad', 'vm'])('%s is refused by its name', async (method) => {
  const failing = exportedThroughFiles({ method, input });
  await expect(failing).rejects.toMatchObject({
    code: 'not-exportable',
    message: expect.stringContaining(method) as string,
    hint: expect.stringContaining('instant') as string,
  });
});

describe('files that are none', () => {
  test.each([
    ['text', new TextEncoder().encode('this is no model')],
    ['nothing', new Uint8Array(0)],
  ])('%s', async (_, bytes) => {
    await expect(loadOnnxDetector(bytes)).rejects.toMatchObject({ code: 'artifact-invalid' });
  });

  test('a file that is cut off, at any place', async () => {
    const { detector, onnx, bytes } = await exportedThroughFiles({ method: 'gaussian', input });
    for (const part of [0.05, 0.5, 0.999]) {
      await expect(loadOnnxDetector(bytes.slice(0, Math.floor(bytes.length * part)))).rejects.toMatchObject({
        code: 'artifact-invalid',
      });
    }
    detector.dispose();
    onnx.dispose();
  });
});

test('weights that are not finite give an error that says so, and no score', async () => {
  const { detector, onnx, bytes } = await exportedThroughFiles({ method: 'fre', input });
  const damaged = await loadOnnxDetector(withoutFiniteWeights(bytes));
  await expect(damaged.predict(TEST_IMAGES[0]!)).rejects.toMatchObject({ code: 'numerical-instability' });
  for (const each of [detector, onnx, damaged]) each.dispose();
});

describe('mutations that the comparison must find', () => {
  test('swapped channels, no blur, other corners, another mean', async () => {
    const { detector, onnx, bytes } = await exportedThroughFiles({ method: 'instant', input });
    const isEqual = async (mutated: Uint8Array): Promise<boolean> => {
      const other = await loadOnnxDetector(mutated);
      const { equal } = await comparePredictors(detector, other, TEST_IMAGES);
      other.dispose();
      return equal;
    };
    expect(await isEqual(bytes)).toBe(true);
    for (const [name, mutated] of mutate(bytes)) {
      expect([name, await isEqual(mutated)]).toEqual([name, false]);
    }
    detector.dispose();
    onnx.dispose();
  });
});
