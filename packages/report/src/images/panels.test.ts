import { makePanels, type PanelSource } from './panels.js';

const WIDTH = 60;
const HEIGHT = 40;
const map = (value: number): PanelSource['fused'] => ({
  data: new Float32Array(WIDTH * HEIGHT).fill(value),
  width: WIDTH,
  height: HEIGHT,
});
const image = {
  data: new Uint8Array(WIDTH * HEIGHT * 3).fill(100),
  width: WIDTH,
  height: HEIGHT,
  channels: 3,
};
const scale = { low: 2, threshold: 6 };

/** Records the panels, and returns the first bytes of a JPEG with the number of the panel. */
function recorder(): { panels: { width: number; height: number; data: ArrayLike<number> }[]; encode: never } {
  const panels: { width: number; height: number; data: ArrayLike<number> }[] = [];
  const encode = (panel: (typeof panels)[number]): Promise<Uint8Array> =>
    Promise.resolve(Uint8Array.of(0xff, 0xd8, 0xff, panels.push(panel)));
  return { panels, encode: encode as never };
}

test('thumbnails of input, ground truth and maps, each as a data URL', async () => {
  const { panels, encode } = recorder();
  const mask = { data: new Uint8Array(WIDTH * HEIGHT), width: WIDTH, height: HEIGHT, channels: 1 };
  mask.data[20 * WIDTH + 30] = 255;
  const hot = map(2);
  hot.data[5 * WIDTH + 5] = 6;
  const images = await makePanels(
    { image, mask, fused: hot, branches: { local: map(2), global: map(2) } },
    { scale, side: 15, encode },
  );
  expect(images).toMatchObject({ width: 15, height: 10, input: 'data:image/jpeg;base64,/9j/AQ==' });
  expect(Object.keys(images.branches)).toEqual(['local', 'global']);
  expect(panels.map(({ width, height }) => `${width} x ${height}`)).toEqual(Array(5).fill('15 x 10'));
  // One high pixel among sixteen keeps the color of the threshold.
  const fused = panels[4]!;
  expect([...Array.from(fused.data).slice((1 * 15 + 1) * 3, (1 * 15 + 1) * 3 + 3)]).toEqual(
    [255, 152, 0].map((color) => Math.round(100 + (color - 100) * 0.45)),
  );
});

test("a branch of two is drawn on half of the scale: half of the threshold has the threshold's color", async () => {
  const { panels, encode } = recorder();
  const branches = { local: map(3), global: map(1) };
  await makePanels({ image, fused: map(6), branches }, { scale, encode });
  const [local, global, fused] = panels.slice(1).map(({ data }) => Array.from(data).slice(0, 3));
  expect(local).toEqual(fused);
  expect(local).not.toEqual([100, 100, 100]);
  expect(global).toEqual([100, 100, 100]);
});

test.each(['maximum', 'soft-maximum'] as const)(
  'fused by %s, a branch is drawn on the whole scale',
  async (fusion) => {
    const { panels, encode } = recorder();
    const branches = { local: map(6), global: map(2) };
    await makePanels({ image, fused: map(6), branches }, { scale, fusion, encode });
    const [local, global, fused] = panels.slice(1).map(({ data }) => Array.from(data).slice(0, 3));
    expect(local).toEqual(fused);
    expect(global).toEqual([100, 100, 100]);
  },
);

test('an image without a defect has no ground-truth panel', async () => {
  const mask = { data: new Uint8Array(WIDTH * HEIGHT), width: WIDTH, height: HEIGHT, channels: 1 };
  const given = await makePanels({ image, mask, fused: map(2), branches: {} }, { scale, ...recorder() });
  const none = await makePanels({ image, fused: map(2), branches: {} }, { scale, ...recorder() });
  expect(given).not.toHaveProperty('groundTruth');
  expect(none).not.toHaveProperty('groundTruth');
});

test('refuses maps and masks of another size, and encodings that browsers cannot show', async () => {
  const small = { data: new Float32Array(4), width: 2, height: 2 };
  const options = { scale, ...recorder() };
  await expect(makePanels({ image, fused: small, branches: {} }, options)).rejects.toMatchObject({
    code: 'shape-mismatch',
  });
  await expect(makePanels({ image, fused: map(2), branches: { local: small } }, options)).rejects.toThrow(
    'the map local of 2 x 2 for an image of 60 x 40',
  );
  const mask = { data: new Uint8Array(4).fill(1), width: 2, height: 2, channels: 1 };
  await expect(makePanels({ image, mask, fused: map(2), branches: {} }, options)).rejects.toThrow('the mask');
  const encode = (): Promise<Uint8Array> => Promise.resolve(new TextEncoder().encode('<svg onload=x>'));
  await expect(makePanels({ image, fused: map(2), branches: {} }, { scale, encode })).rejects.toMatchObject({
    code: 'invalid-argument',
  });
});
