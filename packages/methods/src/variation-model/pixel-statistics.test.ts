import { randomStream } from '@dskd/base';
import { expectClose } from '@dskd/test-support';
import { PixelStatistics, scoresOf } from './pixel-statistics.js';

test('mean and deviation agree with two passes over the images that show the pixel', () => {
  const random = randomStream(1, 'images');
  const pixels = 6;
  // Far from 0 with small deviations: a difference of sums of squares would lose them.
  const images = Array.from({ length: 30 }, () =>
    Float32Array.from({ length: 3 * pixels }, (_, at) => 250 + 1e-2 * (at + 1) * random.normal()),
  );
  const masks = images.map((_, index) =>
    Uint8Array.from({ length: pixels }, (__, pixel) =>
      pixel === 0 ? 0 : (index + pixel) % pixel === 0 ? 1 : 0,
    ),
  );
  const statistics = new PixelStatistics([2, 3]);
  images.forEach((image, index) => statistics.add(image, masks[index]));
  const { mean, deviation, seen } = statistics.result();
  expect([...seen]).toEqual([0, 1, 1, 1, 1, 1]);
  for (let at = 0; at < 3 * pixels; at++) {
    const values = images
      .filter((_, index) => masks[index]![Math.floor(at / 3)] === 1)
      .map((image) => image[at]!);
    if (values.length === 0) {
      expect([mean[at], deviation[at]]).toEqual([0, 0]);
      continue;
    }
    const center = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - center) ** 2, 0);
    expectClose([mean[at]!], [center], { relative: 1e-7 });
    expectClose([deviation[at]!], [Math.sqrt(squares / (values.length - 1))], { relative: 1e-6 });
  }
});

test('hand values; one image has no deviation', () => {
  const statistics = new PixelStatistics([1, 1]);
  statistics.add(Float32Array.of(10, 20, 30));
  expect(statistics.result()).toEqual({
    mean: Float32Array.of(10, 20, 30),
    deviation: new Float32Array(3),
    seen: Uint8Array.of(1),
  });
  statistics.add(Float32Array.of(14, 20, 24));
  expect(statistics.result()).toEqual({
    mean: Float32Array.of(12, 20, 27),
    deviation: Float32Array.of(Math.sqrt(8), 0, Math.sqrt(18)),
    seen: Uint8Array.of(1),
  });
});

test('scores: the largest channel, in deviations of at least the floor; 0 where nothing is compared', () => {
  const model = {
    mean: Float32Array.of(100, 100, 100, 50, 50, 50, 0, 0, 0, 80, 80, 80),
    deviation: Float32Array.of(1, 10, 20, 0, 0, 0, 0, 0, 0, 1, 1, 1),
    seen: Uint8Array.of(1, 1, 0, 1),
  };
  const image = Float32Array.of(110, 70, 140, 50, 52.5, 50, 200, 200, 200, 0, 0, 0);
  expect([...scoresOf(image, model, 5, Uint8Array.of(1, 1, 1, 0))]).toEqual([3, 0.5, 0, 0]);
  expect([...scoresOf(image, model, 1)]).toEqual([10, 2.5, 0, 80]);
});
