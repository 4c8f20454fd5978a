import { readGolden } from '@dskd/test-support';
import fc from 'fast-check';
import type { PixelBuffer } from '@dskd/base';
import { adjustBrightness, adjustContrast, adjustHue, adjustSaturation } from './color.js';
import { anyImage, largestDifference } from './images.test.util.js';

const golden = await readGolden(new URL('../../test/fixtures/augmentation.safetensors', import.meta.url));

const ADJUST: Record<string, (image: PixelBuffer, amount: number) => PixelBuffer> = {
  brightness: adjustBrightness,
  contrast: adjustContrast,
  saturation: adjustSaturation,
  hue: adjustHue,
};

function source(name: string): PixelBuffer {
  const { shape, data } = golden.array(`${name}.source`);
  return { data: Uint8Array.from(data), width: shape[1]!, height: shape[0]!, channels: 3 };
}

/** `image.kind.amount`; the amount may contain a decimal point. */
const cases = golden.names.flatMap((name) => {
  const [image, kind, ...amount] = name.split('.');
  return kind! in ADJUST ? [[image!, kind!, Number(amount.join('.'))] as const] : [];
});

test.each(cases)('%s, %s %d: same bytes as torchvision', (image, kind, amount) => {
  const got = ADJUST[kind]!(source(image), amount);
  expect(largestDifference(got.data, golden.array(`${image}.${kind}.${amount}`).data)).toBe(0);
});

test('the golden values cover all four kinds', () => {
  expect([...new Set(cases.map(([, kind]) => kind))].sort()).toEqual(Object.keys(ADJUST).sort());
});

test('the neutral amount gives the same bytes, in a new buffer', () => {
  fc.assert(
    fc.property(anyImage(), (image) => {
      for (const [kind, adjust] of Object.entries(ADJUST)) {
        const before = [...image.data];
        const same = adjust(image, kind === 'hue' ? 0 : 1);
        expect([...same.data]).toEqual(before);
        expect(same.data).not.toBe(image.data);
        expect([...image.data]).toEqual(before);
      }
    }),
  );
});

test('gray stays gray, and a shift by a third of a turn makes red green', () => {
  const gray = { data: Uint8Array.of(90, 90, 90, 7, 7, 7), width: 2, height: 1, channels: 3 };
  expect([...adjustSaturation(gray, 2.5).data]).toEqual([...gray.data]);
  expect([...adjustHue(gray, 0.3).data]).toEqual([...gray.data]);
  const red = { data: Uint8Array.of(255, 0, 0), width: 1, height: 1, channels: 3 };
  expect(largestDifference(adjustHue(red, 1 / 3).data, [0, 255, 0])).toBeLessThanOrEqual(1);
});
