import type { PixelBuffer } from '@dskd/base';
import { makeExplanation } from './explanation.js';

/** Each pixel has the value of its column. */
function columns(width: number, height: number): PixelBuffer {
  const data = Uint8Array.from({ length: width * height }, (_, i) => i % width);
  return { data, width, height, channels: 1 };
}

function recorder(): { cuts: PixelBuffer[]; encode: (cut: PixelBuffer) => Promise<Uint8Array> } {
  const cuts: PixelBuffer[] = [];
  return { cuts, encode: (cut) => Promise.resolve(Uint8Array.of(0xff, 0xd8, 0xff, cuts.push(cut))) };
}

const region = { left: 40, top: 20, width: 16, height: 8 };

test('both crops are squares around region and patch, with the same share of their images', async () => {
  const { cuts, encode } = recorder();
  const explanation = await makeExplanation(
    {
      image: columns(120, 60),
      region,
      good: { image: columns(240, 120), patch: { left: 100, top: 100, width: 8, height: 8 } },
      from: 'a.png',
      distance: 2,
    },
    { side: 20, encode },
  );
  expect(explanation).toEqual({
    side: 20,
    region: 'data:image/jpeg;base64,/9j/AQ==',
    nearest: 'data:image/jpeg;base64,/9j/Ag==',
    from: 'a.png',
    distance: 2,
  });
  // 1.25 times the region's longer side is a third of 60 pixels: 20 pixels, and 40 pixels of the larger image.
  expect([...cuts[0]!.data.slice(0, 20)]).toEqual(Array.from({ length: 20 }, (_, i) => 38 + i));
  expect(cuts[1]).toMatchObject({ width: 20, height: 20 });
  expect(cuts[1]!.data[10]).toBeGreaterThanOrEqual(103);
  expect(cuts[1]!.data[10]).toBeLessThanOrEqual(106);
});

test('at an edge the crop stays inside; a good image that is not available has none', async () => {
  const { cuts, encode } = recorder();
  const box = { left: 0, top: 58, width: 2, height: 2 };
  const explanation = await makeExplanation(
    { image: columns(120, 60), region: box, from: 'gone.png', distance: 3 },
    { side: 10, encode },
  );
  expect(explanation).not.toHaveProperty('nearest');
  expect([...cuts[0]!.data.slice(0, 10)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('for a region as large as the image the crop shows all of it', async () => {
  const { cuts, encode } = recorder();
  const box = { left: 0, top: 0, width: 60, height: 60 };
  await makeExplanation(
    { image: columns(60, 60), region: box, from: 'a', distance: 1 },
    { side: 60, encode },
  );
  expect(cuts[0]!.data).toEqual(columns(60, 60).data);
});
