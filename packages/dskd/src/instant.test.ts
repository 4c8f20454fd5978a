import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { encodeImage } from '@dskd/data/node';
import { loadDetector, trainDetector } from './index.js';
import { image, writeImages } from './parts.test.util.js';

let folder: string;
beforeAll(async () => {
  folder = await writeImages();
});
afterAll(() => rm(folder, { recursive: true }));

test('with nothing said: the method instant, at 128 px for images as small as these; learned in one pass', async () => {
  const events = new Set<string>();
  const onEvent = ({ type }: { readonly type: string }): unknown => events.add(type);
  using instant = await trainDetector(folder, { backend: 'wasm', onEvent });
  expect(instant.description).toMatchObject({
    method: 'instant',
    inputSize: [128, 128],
    fusion: { rule: 'soft-maximum', normalization: 'image-scores' },
    branches: [{ name: 'local' }, { name: 'global' }, { name: 'pooled', map: false }],
  });
  // There is nothing in these images that pieces could count.
  const told = ['branch-left-out', 'calibration-start', 'fit-progress', 'image-read'];
  expect([...events].sort()).toEqual(told);
  const [normal, faulty] = await instant.predict([image(101), image(101, true)]);
  expect(faulty!.score).toBeGreaterThan(normal!.score);
  expect(faulty!.verdict).toBe('anomalous');
  using loaded = await loadDetector(instant.toBytes(), { backend: 'wasm' });
  expect(await loaded.predict(image(101, true))).toEqual(faulty);
});

test('of two images to learn from no pooled Gaussian is fitted, with a warning', async () => {
  const few = [image(0), image(1), image(2)];
  const warnings: string[] = [];
  using bank = await trainDetector(few, {
    backend: 'wasm',
    onEvent: (event) => {
      if (event.type === 'warning') warnings.push(event.message);
    },
  });
  expect(bank.description.branches.map(({ name }) => name)).toEqual(['local', 'global']);
  expect(warnings).toEqual([expect.stringContaining('2 good images are too few')]);
  const [normal, faulty] = await bank.predict([image(101), image(101, true)]);
  expect(faulty!.score).toBeGreaterThan(normal!.score);
});

test('good images are learned from a folder, paths or pixels, and forgotten: the file is the one before', async () => {
  using instant = await trainDetector(folder, {
    method: 'instant',
    options: { local: { coreset: { count: 60 } }, global: { components: 2 } },
    input: { size: [32, 32] },
    calibration: { holdOutFraction: 0.3 },
    backend: 'wasm',
  });
  const before = instant.toBytes();
  const { score } = await instant.predict(image(101, true));
  const corner = path.join(folder, 'corners', '0.png');
  await mkdir(path.dirname(corner));
  await writeFile(corner, await encodeImage(image(102, true)));
  for (const lesson of [path.dirname(corner), [corner], [image(102, true)]]) {
    expect(await instant.extend(lesson)).toMatchObject({ images: 1, alarms: { after: 0 } });
    expect((await instant.predict(image(101, true))).score).toBeLessThan(score);
    expect(instant.forget().images).toMatchObject([{ width: 48, height: 48 }]);
    expect(Buffer.compare(instant.toBytes(), before)).toBe(0);
  }
  await rm(path.dirname(corner), { recursive: true });
  const { regions } = await instant.predict(image(101, true), { threshold: 0 });
  const [explained] = await instant.explain(image(101, true), regions, { most: 1 });
  expect(explained!.nearest.id).toMatch(/^\d\.png$/);
});
