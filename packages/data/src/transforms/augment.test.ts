import type { PixelBuffer } from '@dskd/base';
import fc from 'fast-check';
import {
  applyAugmentation,
  augment,
  type Augmentation,
  type AugmentationKey,
  drawAugmentation,
  type DrawnAugmentation,
  gcadAugmentation,
} from './augmentation.js';
import { adjustBrightness, adjustContrast, adjustHue, adjustSaturation } from './color.js';
import { flipHorizontal, flipVertical, rotate } from './geometry.js';
import { anyImage, noise } from './images.test.util.js';

const EVERYTHING: Augmentation = {
  flips: { horizontal: true, vertical: true },
  rotation: { degrees: 25 },
  colorJitter: { brightness: 0.3, contrast: 0.2, saturation: 1.5, hue: 0.2, probability: 0.8 },
};
const NOTHING: DrawnAugmentation = {
  flipHorizontal: false,
  flipVertical: false,
  degrees: 0,
  brightness: 1,
  contrast: 1,
  saturation: 1,
  hue: 0,
};

function keys(count: number): AugmentationKey[] {
  return Array.from({ length: count }, (_, i) => ({ seed: 5, epoch: i % 40, sample: `train/good/${i}.png` }));
}

test('flips move the expected pixels; two equal flips cancel', () => {
  const image = { data: Uint8Array.of(1, 2, 3, 4, 5, 6), width: 3, height: 2, channels: 1 };
  expect([...flipHorizontal(image).data]).toEqual([3, 2, 1, 6, 5, 4]);
  expect([...flipVertical(image).data]).toEqual([4, 5, 6, 1, 2, 3]);
  fc.assert(
    fc.property(anyImage(), (any) => {
      for (const flip of [flipHorizontal, flipVertical]) {
        const twice = flip(flip(any));
        expect([...twice.data]).toEqual([...any.data]);
        expect(twice).toMatchObject({ width: any.width, height: any.height });
      }
    }),
  );
});

test('the neutral draw changes nothing', () => {
  fc.assert(
    fc.property(anyImage(), fc.nat(), (image, epoch) => {
      const key = { seed: 1, epoch, sample: 'a' };
      expect(applyAugmentation(image, NOTHING)).toBe(image);
      for (const none of [{}, { flips: {}, rotation: { degrees: 0 }, colorJitter: {} }]) {
        expect(drawAugmentation(none, key)).toEqual(NOTHING);
        expect(augment(image, none, key)).toBe(image);
      }
    }),
  );
});

test('the order is: flips, rotation, brightness, contrast, saturation, hue', () => {
  fc.assert(
    fc.property(anyImage(), fc.nat(1000), (image, epoch) => {
      const key = { seed: 3, epoch, sample: 'x' };
      const drawn = drawAugmentation(EVERYTHING, key);
      let wanted: PixelBuffer = image;
      if (drawn.flipHorizontal) wanted = flipHorizontal(wanted);
      if (drawn.flipVertical) wanted = flipVertical(wanted);
      wanted = rotate(wanted, drawn.degrees);
      wanted = adjustBrightness(wanted, drawn.brightness);
      wanted = adjustContrast(wanted, drawn.contrast);
      wanted = adjustSaturation(wanted, drawn.saturation);
      wanted = adjustHue(wanted, drawn.hue);
      const before = [...image.data];
      expect([...augment(image, EVERYTHING, key).data]).toEqual([...wanted.data]);
      expect([...image.data]).toEqual(before);
    }),
  );
});

test('one key gives the same bytes, independent of earlier draws', () => {
  const image = noise(7, 5);
  const all = keys(30);
  const inOrder = all.map((key) => [...augment(image, EVERYTHING, key).data]);
  const backwards = [...all].reverse().map((key) => [...augment(image, EVERYTHING, key).data]);
  expect(backwards.reverse()).toEqual(inOrder);
  expect(new Set(inOrder.map(String)).size).toBe(30);
});

test('seed, epoch and sample all change the result', () => {
  const base = { seed: 1, epoch: 2, sample: 'a' };
  const drawn = [base, { ...base, seed: 2 }, { ...base, epoch: 3 }, { ...base, sample: 'b' }].map((key) =>
    drawAugmentation(EVERYTHING, key),
  );
  expect(new Set(drawn.map(({ degrees }) => degrees)).size).toBe(4);
});

test('enabling or disabling one variation does not change the others', () => {
  const { rotation, colorJitter } = EVERYTHING;
  for (const key of keys(20)) {
    const all = drawAugmentation(EVERYTHING, key);
    expect(drawAugmentation({ rotation }, key).degrees).toBe(all.degrees);
    expect(drawAugmentation({ colorJitter }, key)).toMatchObject({
      brightness: all.brightness,
      contrast: all.contrast,
      saturation: all.saturation,
      hue: all.hue,
    });
    const withoutContrast = { colorJitter: { ...colorJitter, contrast: 0 } };
    expect(drawAugmentation(withoutContrast, key)).toMatchObject({
      brightness: all.brightness,
      contrast: 1,
      saturation: all.saturation,
    });
  }
});

test('drawn values stay within their bounds, reach them, and are uniformly distributed', () => {
  const drawn = keys(4000).map((key) => drawAugmentation(EVERYTHING, key));
  const jittered = drawn.filter(({ brightness }) => brightness !== 1);
  expect(Math.abs(jittered.length / drawn.length - 0.8)).toBeLessThan(0.03);
  for (const each of drawn) {
    const { brightness, contrast, saturation, hue } = each;
    const untouched = brightness === 1 && contrast === 1 && saturation === 1 && hue === 0;
    expect(untouched).toBe(brightness === 1);
  }
  const bounds = {
    degrees: [drawn, -25, 25],
    brightness: [jittered, 0.7, 1.3],
    contrast: [jittered, 0.8, 1.2],
    // 1 - 1.5 is below 0, so the lower bound is 0, as in torchvision.
    saturation: [jittered, 0, 2.5],
    hue: [jittered, -0.2, 0.2],
  } as const;
  for (const [name, [from, low, high]] of Object.entries(bounds)) {
    const values = from.map((each) => each[name as keyof typeof bounds]);
    const range = high - low;
    expect(Math.min(...values)).toBeGreaterThanOrEqual(low);
    expect(Math.max(...values)).toBeLessThanOrEqual(high);
    expect(Math.min(...values)).toBeLessThan(low + range / 100);
    expect(Math.max(...values)).toBeGreaterThan(high - range / 100);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean - (low + high) / 2)).toBeLessThan(0.02 * range);
    expect(Math.abs(variance / (range ** 2 / 12) - 1)).toBeLessThan(0.06);
  }
  for (const flip of ['flipHorizontal', 'flipVertical'] as const) {
    const share = drawn.filter((each) => each[flip]).length / drawn.length;
    expect(Math.abs(share - 0.5)).toBeLessThan(0.03);
  }
  const same = drawn.filter((each) => each.flipHorizontal === each.flipVertical).length / drawn.length;
  expect(Math.abs(same - 0.5)).toBeLessThan(0.03);
});

test('a single pixel and a line of pixels pass through all steps', () => {
  for (const [width, height] of [
    [1, 1],
    [1, 9],
    [9, 1],
  ] as const) {
    for (const key of keys(10)) {
      const got = augment(noise(width, height), gcadAugmentation('pushpins'), key);
      expect(got).toMatchObject({ width, height, channels: 3 });
      expect(got.data).toHaveLength(width * height * 3);
    }
  }
});

test('the bytes are fixed: every version, engine and machine must give the same', () => {
  const key = { seed: 7, epoch: 2, sample: 'train/good/003.png' };
  expect(drawAugmentation(EVERYTHING, key)).toEqual({
    flipHorizontal: true,
    flipVertical: true,
    degrees: -13.081556780276687,
    brightness: 1.2547444016768772,
    contrast: 0.9920204697810475,
    saturation: 1.6170135724021828,
    hue: 0.19358952786175793,
  });
  expect([...augment(noise(3, 2), EVERYTHING, key).data]).toEqual([
    ...[52, 75, 60, 54, 99, 36, 117, 159, 94],
    ...[210, 205, 175, 209, 242, 234, 36, 0, 255],
  ]);
});

test('throws when the image is not RGB or its buffer is incomplete', () => {
  const rgba = { data: new Uint8Array(4), width: 1, height: 1, channels: 4 };
  expect(() => applyAugmentation(rgba, NOTHING)).toThrow('4 channels, wanted 3');
  expect(() => applyAugmentation({ ...rgba, channels: 3 }, NOTHING)).toThrow('4 bytes');
});
