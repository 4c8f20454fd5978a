import type { PixelBuffer } from '@dskd/base';
import { explanationCuts, makeExplanation } from './explanation.js';

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

test('a thumbnail is shown whole, enlarged, with a line around the patch', async () => {
  const { cuts, encode } = recorder();
  const gray = { data: new Uint8Array(8 * 4 * 3).fill(90), width: 8, height: 4, channels: 3 };
  const patch = { left: 2, top: 1, width: 2, height: 2 };
  const source = { image: columns(120, 60), region, from: 'a.png', distance: 2 };
  const explanation = await makeExplanation(
    { ...source, thumbnail: { image: gray, patch } },
    { side: 40, encode },
  );
  expect(explanation).toEqual({
    side: 40,
    region: 'data:image/jpeg;base64,/9j/AQ==',
    thumbnail: { url: 'data:image/jpeg;base64,/9j/Ag==', width: 40, height: 20 },
    from: 'a.png',
    distance: 2,
  });
  const { data, width, height } = cuts[1]!;
  expect([width, height]).toEqual([40, 20]);
  const at = (x: number, y: number): number[] => [...data.slice((y * 40 + x) * 3, (y * 40 + x) * 3 + 3)];
  // The patch is 10..19 x 5..14 there; the line is outside of it, and has a dark edge.
  for (const inside of [at(10, 5), at(19, 14)]) expect(inside).toEqual([90, 90, 90]);
  for (const line of [at(9, 5), at(20, 14), at(10, 4), at(19, 15)]) expect(line).toEqual([0, 229, 255]);
  for (const edge of [at(8, 5), at(21, 14), at(10, 3), at(19, 16)]) expect(edge).toEqual([0, 24, 48]);
  for (const outside of [at(7, 5), at(22, 14), at(0, 0), at(39, 19)]) expect(outside).toEqual([90, 90, 90]);

  // The good image itself shows more.
  const good = { image: columns(240, 120), patch };
  const cut = explanationCuts({ ...source, good, thumbnail: { image: gray, patch } }, 20);
  expect(Object.keys(cut)).toEqual(['region', 'nearest']);
});

test('a patch at the corner of a thumbnail stays inside, also where it is smaller than a pixel', () => {
  const image = { data: new Uint8Array(16 * 16 * 3), width: 16, height: 16, channels: 3 };
  const patch = { left: 15, top: 15, width: 1, height: 1 };
  const { thumbnail } = explanationCuts({ image, region, thumbnail: { image, patch } }, 8);
  expect(thumbnail).toMatchObject({ width: 8, height: 8, channels: 3 });
  // The line is in the three neighbors of the last pixel.
  const lines = Array.from({ length: 64 }, (_, i) => thumbnail!.data[i * 3 + 1] === 229);
  expect(lines.flatMap((line, i) => (line ? [i] : []))).toEqual([54, 55, 62]);
});
