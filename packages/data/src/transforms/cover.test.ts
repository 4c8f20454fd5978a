import { randomStream, type PixelBuffer } from '@dskd/base';
import fc from 'fast-check';
import { preparePixels, preparePixelsInSlices, type Preparation } from '../prepare.js';
import { PreparedImages } from '../prepared-images.js';
import { placement } from './placement.js';

const [HEIGHT, WIDTH] = [10, 14];
const COLOR = [7, 200, 90] as const;
/** Not in proportion to the network's input: a letterbox has a border. Not smaller than it: noise of a pixel stays in the mask. */
const IMAGE = { width: 28, height: 15 };

function noise(seed: number): PixelBuffer {
  const random = randomStream(seed, 'noise');
  const data = Uint8Array.from({ length: IMAGE.width * IMAGE.height * 3 }, () =>
    Math.floor(256 * random.uniform()),
  );
  return { ...IMAGE, data, channels: 3 };
}

/**
 * The image with other content wherever it influences pixels of the network's input that are covered, and no others: the
 * filter reaches two of the input's pixels far at most.
 */
function repainted(image: PixelBuffer, { cover, fit = 'stretch' }: Preparation, seed: number): PixelBuffer {
  const other = noise(seed);
  const placed = placement(IMAGE, { width: WIDTH, height: HEIGHT }, fit);
  const data = image.data.slice();
  for (let y = 0; y < IMAGE.height; y++) {
    for (let x = 0; x < IMAGE.width; x++) {
      const at = placed.toNetwork({ x: x + 0.5, y: y + 0.5 });
      let isHidden = true;
      for (let row = Math.floor(at.y) - 2; row <= at.y + 2; row++) {
        for (let column = Math.floor(at.x) - 2; column <= at.x + 2; column++) {
          const isInside = row >= 0 && column >= 0 && row < HEIGHT && column < WIDTH;
          if (isInside && cover!.pixels[row * WIDTH + column] === 0) isHidden = false;
        }
      }
      const from = (y * IMAGE.width + x) * 3;
      if (isHidden) data.set(other.data.subarray(from, from + 3), from);
    }
  }
  return { ...image, data };
}

const covers = fc
  .tuple(
    fc.nat(WIDTH - 1),
    fc.nat(HEIGHT - 1),
    fc.integer({ min: 1, max: WIDTH }),
    fc.integer({ min: 1, max: HEIGHT }),
  )
  .map(([left, top, width, height]) =>
    Uint8Array.from({ length: WIDTH * HEIGHT }, (_, at) => {
      const [x, y] = [at % WIDTH, Math.floor(at / WIDTH)];
      return x >= left && x < left + width && y >= top && y < top + height ? 1 : 0;
    }),
  );
const fits = fc.constantFrom('stretch' as const, 'letterbox' as const);

/** As training and prediction prepare it: at once, in slices, and from a list, as it is and varied. */
async function preparedInAllWays(image: PixelBuffer, preparation: Preparation): Promise<PixelBuffer[]> {
  const sample = { id: 'image', load: () => Promise.resolve(image) };
  const augmentation = {
    rotation: { degrees: 20 },
    colorJitter: { brightness: 0.5, contrast: 0.5, saturation: 0.5 },
  };
  const list = new PreparedImages([sample], { ...preparation, augment: { augmentation, seed: 1 } });
  return [
    preparePixels(image, preparation),
    await preparePixelsInSlices(image, preparation),
    ...(await list.images([0])),
    ...(await list.images([0], { epoch: 1 })),
    ...(await list.images([0], { epoch: 2 })),
  ];
}

test('whatever is painted under a cover, the network gets the same bytes', async () => {
  let repaintedPixels = 0;
  await fc.assert(
    fc.asyncProperty(covers, fits, fc.nat(1000), async (pixels, fit, seed) => {
      const preparation = { width: WIDTH, height: HEIGHT, fit, cover: { pixels, color: COLOR } };
      const image = noise(seed);
      const other = repainted(image, preparation, seed + 1);
      repaintedPixels += image.data.filter((value, at) => value !== other.data[at]).length;
      expect(await preparedInAllWays(other, preparation)).toEqual(
        await preparedInAllWays(image, preparation),
      );
    }),
    { numRuns: 60 },
  );
  expect(repaintedPixels).toBeGreaterThan(1000);
});

test('covered pixels have the color, those around them and a border are as without a cover', async () => {
  await fc.assert(
    fc.asyncProperty(covers, fits, async (pixels, fit) => {
      const plain = { width: WIDTH, height: HEIGHT, fit };
      const { content } = placement(IMAGE, plain, fit);
      const without = preparePixels(noise(1), plain).data;
      const [once, sliced, listed, ...varied] = await preparedInAllWays(noise(1), {
        ...plain,
        cover: { pixels, color: COLOR },
      });
      const isCovered = (at: number): boolean => {
        const [x, y] = [at % WIDTH, Math.floor(at / WIDTH)];
        const inside = x >= content.left && x < content.left + content.width;
        return inside && y >= content.top && y < content.top + content.height && pixels[at] === 1;
      };
      for (const { data } of [once!, sliced!, listed!]) {
        const wanted = Array.from(without, (value, i) =>
          isCovered(Math.floor(i / 3)) ? COLOR[i % 3]! : value,
        );
        expect([...data]).toEqual(wanted);
      }
      for (const { data } of varied) {
        pixels.forEach((_, at) => {
          if (isCovered(at)) expect([...data.subarray(at * 3, at * 3 + 3)]).toEqual([...COLOR]);
        });
      }
    }),
    { numRuns: 30 },
  );
});

test('a cover of another size or color is refused', () => {
  const image = noise(1);
  const size = { width: WIDTH, height: HEIGHT };
  const pixels = new Uint8Array(WIDTH * HEIGHT);
  expect(() =>
    preparePixels(image, { ...size, cover: { pixels: pixels.subarray(1), color: COLOR } }),
  ).toThrow(
    `Got a cover of ${WIDTH * HEIGHT - 1} pixels; wanted ${HEIGHT} x ${WIDTH}, as the network's input.`,
  );
  const wrong = { pixels, color: [1, 2, 256] as const };
  expect(() => preparePixels(image, { ...size, cover: wrong })).toThrow('three whole numbers');
  expect(() => new PreparedImages([], { ...size, cover: wrong })).toThrow('three whole numbers');
});
