import fc from 'fast-check';
import { isDskdError, randomStream, type PixelBuffer } from '@dskd/base';
import { readGolden } from '@dskd/test-support';
import { resizeBilinearAntialiased } from './resize-bilinear-antialiased.js';
import { resizeWithKernels } from './resize-kernels.js';
import { resizeInLoops } from './resize-loops.js';
import { makeTaps } from './resize-taps.js';

const golden = await readGolden(new URL('../test/fixtures/resize.safetensors', import.meta.url));
const cases = golden.names.filter((name) => name.endsWith('.source')).map((name) => name.split('.')[0]!);

function pixels(name: string): PixelBuffer {
  const { shape, data } = golden.array(name);
  const [height, width, channels] = shape as [number, number, number];
  return { data: Uint8Array.from(data), width, height, channels };
}

describe('resizeBilinearAntialiased', () => {
  test.each(cases)("%s: every byte is equal to Pillow's", (name) => {
    const wanted = pixels(`${name}.resized`);
    const got = resizeBilinearAntialiased(pixels(`${name}.source`), wanted);
    expect(got).toEqual(wanted);
  });

  test('takes a Uint8ClampedArray, does not change the source and returns new memory', () => {
    const data = Uint8ClampedArray.from([0, 50, 100, 150]);
    const source = { data, width: 2, height: 2, channels: 1 };
    const same = resizeBilinearAntialiased(source, source);
    expect([...same.data]).toEqual([0, 50, 100, 150]);
    expect(same.data.buffer).not.toBe(data.buffer);
    const rgba = { data: Uint8Array.from([200, 100, 50, 128]), width: 1, height: 1, channels: 4 };
    resizeBilinearAntialiased(rgba, { width: 2, height: 2 });
    expect([...rgba.data]).toEqual([200, 100, 50, 128]);
  });

  test('refuses other channel counts and sizes', () => {
    const source = { data: new Uint8Array(8), width: 2, height: 2, channels: 2 };
    expect(codeOf(() => resizeBilinearAntialiased(source, { width: 1, height: 1 }))).toBe('invalid-argument');
    const gray = { ...source, width: 4, channels: 1 };
    for (const width of [0, -1, 1.5, NaN]) {
      expect(codeOf(() => resizeBilinearAntialiased(gray, { width, height: 1 }))).toBe('invalid-argument');
    }
    const short = { ...gray, data: new Uint8Array(7) };
    expect(codeOf(() => resizeBilinearAntialiased(short, { width: 1, height: 1 }))).toBe('invalid-argument');
  });

  const side = fc.integer({ min: 1, max: 24 });

  test('agrees with a slow oracle on every byte', () => {
    const scene = fc.tuple(side, side, fc.constantFrom(1, 3)).chain(([width, height, channels]) =>
      fc.record({
        width: fc.constant(width),
        height: fc.constant(height),
        channels: fc.constant(channels),
        data: fc.uint8Array({
          minLength: width * height * channels,
          maxLength: width * height * channels,
        }),
      }),
    );
    fc.assert(
      fc.property(scene, side, side, (source, width, height) => {
        const got = resizeBilinearAntialiased(source, { width, height });
        expect([...got.data]).toEqual(slowResize(source, width, height));
      }),
    );
  });

  test('the loops in JavaScript and the kernels give the same bytes', () => {
    const scene = fc.tuple(side, side, fc.constantFrom(1, 3, 4), side, side);
    fc.assert(
      fc.property(scene, fc.integer(), ([width, height, channels, newWidth, newHeight], seed) => {
        fc.pre(newWidth !== width || newHeight !== height);
        const random = randomStream(seed, 'image');
        const data = Uint8ClampedArray.from({ length: width * height * channels }, () => random.integer(256));
        const source = { data, width, height };
        const across = newWidth === width ? null : makeTaps(width, newWidth);
        const down = newHeight === height ? null : makeTaps(height, newHeight);
        const kernels = resizeWithKernels(source, channels, across, down);
        expect(kernels).toBeDefined();
        expect(resizeInLoops(source, channels, across, down)).toEqual(kernels);
      }),
    );
  });

  test.each([
    [5000, 5, 2],
    [3, 5000, 2],
    [1030, 9, 1030],
  ])('sums of thousands of taps: %i x %i to the width %i', (width, height, newWidth) => {
    for (const channels of [1, 3, 4]) {
      const random = randomStream(channels, 'image');
      const noise = Uint8Array.from({ length: width * height * channels }, () => random.integer(256));
      for (const data of [noise, new Uint8Array(noise.length).fill(255)]) {
        const across = newWidth === width ? null : makeTaps(width, newWidth);
        const down = makeTaps(height, 2);
        const kernels = resizeWithKernels({ data, width, height }, channels, across, down);
        expect(kernels).toEqual(resizeInLoops({ data, width, height }, channels, across, down));
      }
    }
  });

  test('images that the kernels would need too much memory for are resized by the loops', () => {
    const [width, height] = [6000, 4000];
    const data = new Uint8Array(width * height * 3).fill(77);
    const down = makeTaps(height, 3999);
    expect(resizeWithKernels({ data, width, height }, 3, null, down)).toBeUndefined();
    const { data: got } = resizeBilinearAntialiased(
      { data, width, height, channels: 3 },
      { width, height: 3999 },
    );
    expect(got).toHaveLength(width * 3999 * 3);
    expect(got.every((value) => value === 77)).toBe(true);
  });

  test('a constant image stays constant, and no result is outside the range of its source', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 60, maxLength: 60 }), side, side, (data, width, height) => {
        const source = { data, width: 10, height: 6, channels: 1 };
        const got = resizeBilinearAntialiased(source, { width, height }).data;
        expect(Math.min(...got)).toBeGreaterThanOrEqual(Math.min(...data));
        expect(Math.max(...got)).toBeLessThanOrEqual(Math.max(...data));
      }),
    );
  });
});

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    return isDskdError(error) ? error.code : String(error);
  }
  return undefined;
}

/** Pillow's algorithm without windows: every source pixel has a weight, and sums are exact integers. */
function slowResize({ data, width, height, channels }: PixelBuffer, toWidth: number, toHeight: number) {
  const at = (x: number, y: number, c: number) => data[(y * width + x) * channels + c]!;
  const rows: number[][][] = [];
  for (let y = 0; y < height; y++) {
    rows.push(
      Array.from({ length: toWidth }, (_, x) =>
        Array.from({ length: channels }, (__, c) =>
          slowLine(
            Array.from({ length: width }, (___, i) => at(i, y, c)),
            x,
            toWidth,
          ),
        ),
      ),
    );
  }
  const result: number[] = [];
  for (let y = 0; y < toHeight; y++) {
    for (let x = 0; x < toWidth; x++) {
      for (let c = 0; c < channels; c++) {
        result.push(
          slowLine(
            rows.map((row) => row[x]![c]!),
            y,
            toHeight,
          ),
        );
      }
    }
  }
  return result;
}

function slowLine(line: number[], output: number, outputs: number): number {
  if (line.length === outputs) return line[output]!;
  const scale = line.length / outputs;
  const weights = line.map((_, i) =>
    Math.max(0, 1 - Math.abs((i + 0.5 - (output + 0.5) * scale) / Math.max(1, scale))),
  );
  const total = weights.reduce((a, b) => a + b, 0);
  let sum = 2n ** 21n;
  line.forEach((value, i) => {
    sum += BigInt(value) * BigInt(Math.floor((weights[i]! / total) * 2 ** 22 + 0.5));
  });
  return Math.min(255, Number(sum >> 22n));
}
