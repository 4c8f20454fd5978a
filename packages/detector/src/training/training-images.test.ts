import '@tensorflow/tfjs';
import { DskdError, type DskdEvent } from '@dskd/base';
import { sourceOf, type Sample } from '@dskd/data';
import type { Teacher } from '@dskd/models';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import { evaluateDetector } from '../evaluation/evaluate-detector.js';
import { instantDetector } from '../lessons/instant.test.util.js';
import { recalibrate } from '../calibration/recalibrate.js';
import { tinyOptions, tinySource, tinyTeacher } from '../tiny-world.test.util.js';
import { trainDetector } from './train-detector.js';

let teacher: Teacher;
beforeAll(async () => {
  await useBackend('wasm');
  teacher = tinyTeacher();
});
afterAll(() => teacher.dispose());

const { samples } = tinySource();
const folder = '/data/parts';
/** The cheapest to fit. */
const method = 'fre';
const damaged = (sample: Sample): Sample => ({
  ...sample,
  origin: { file: `${folder}/${sample.id}`, sha256: '0'.repeat(64) },
  load: () => Promise.reject(new DskdError('image-unreadable', `${folder}/${sample.id}: it is truncated.`)),
});
/** Validation images, the last of which is damaged. */
const validation = samples
  .slice(8, 11)
  .map((sample, index): Sample => ({ ...sample, id: `validation/${index}.png`, split: 'validation' }))
  .map((sample, index) => (index === 2 ? damaged(sample) : sample));

test('a damaged image among those that calibrate is found before the first step, with all others', async () => {
  const events: DskdEvent[] = [];
  const source = sourceOf('parts', [
    ...samples.slice(0, 8).map((sample, index) => (index === 3 ? damaged(sample) : sample)),
    ...validation,
  ]);
  await expectNoNewTensors(() =>
    expect(
      trainDetector(tinyOptions(teacher, { source, onEvent: (event) => events.push(event) })),
    ).rejects.toMatchObject({
      code: 'dataset-invalid',
      message:
        'The dataset parts has 2 problems:\n' +
        '  train/good/3.png: it is truncated\n' +
        '  validation/2.png: it is truncated',
      details: {
        problems: [
          { path: 'train/good/3.png', problem: 'it is truncated' },
          { path: 'validation/2.png', problem: 'it is truncated' },
        ],
      },
    }),
  );
  expect(new Set(events.map(({ type }) => type))).toEqual(new Set(['image-read']));
  expect(events).toHaveLength(9);
  expect(events.at(-1)).toMatchObject({ done: 9, total: 11 });
});

test('damaged test images and masks are found before the first step, in the error of all others', async () => {
  const events: DskdEvent[] = [];
  const [spot, other, third] = samples.filter(({ label }) => label === 'anomalous') as [
    Sample,
    Sample,
    Sample,
  ];
  const mask = { data: new Uint8Array(4).fill(255), width: 2, height: 2, channels: 1 };
  const testImages: Sample[] = [
    damaged(spot),
    {
      ...other,
      loadMask: () =>
        Promise.reject(new DskdError('image-unreadable', `${folder}/masks/1.png: it is truncated.`)),
    },
    { ...third, loadRegions: () => Promise.resolve([{ mask, defectType: 'spot', saturationArea: 1 }]) },
    samples[8]!,
  ];
  const source = sourceOf(
    'parts',
    samples.slice(0, 8).map((sample, index) => (index === 3 ? damaged(sample) : sample)),
  );
  const onEvent = (event: DskdEvent): void => void events.push(event);
  await expect(trainDetector(tinyOptions(teacher, { source, testImages, onEvent }))).rejects.toMatchObject({
    code: 'dataset-invalid',
    details: {
      problems: [
        { path: spot.id, problem: 'it is truncated' },
        { path: other.id, problem: `${folder}/masks/1.png: it is truncated` },
        {
          path: third.id,
          problem: expect.stringContaining(
            'is 2 x 2 with 1 channel(s); wanted 1 channel of the image',
          ) as string,
        },
        { path: 'train/good/3.png', problem: 'it is truncated' },
      ],
    },
  });
  expect(new Set(events.map(({ type }) => type))).toEqual(new Set(['image-read']));
  expect(events.at(-1)).toEqual({ type: 'image-read', id: samples[8]!.id, done: 8, total: 12 });
});

test('test images change nothing of what is learned', async () => {
  const testImages = samples.slice(8);
  const saved: Uint8Array[] = [];
  for (const given of [{}, { testImages }]) {
    const detector = await instantDetector(teacher, { method, ...given });
    saved.push(detector.save());
    detector.dispose();
  }
  expect(Buffer.compare(saved[0]!, saved[1]!)).toBe(0);
});

test('every image is decoded once, for all of the training', async () => {
  const loads = new Map<string, number>();
  const counted = samples.slice(0, 8).map(
    (sample): Sample => ({
      ...sample,
      load() {
        loads.set(sample.id, (loads.get(sample.id) ?? 0) + 1);
        return sample.load();
      },
    }),
  );
  // Not its fingerprint, which decodes images that come from no file.
  const source = { name: 'counted', samples: counted, fingerprint: () => Promise.resolve('0'.repeat(64)) };
  const detector = await instantDetector(teacher, { method, source });
  detector.dispose();
  expect([...loads.values()]).toEqual(Array<number>(8).fill(1));
});

test('reading can be aborted', async () => {
  const stop = new AbortController();
  const read: string[] = [];
  const onEvent = (event: DskdEvent): void => {
    read.push(event.type);
    if (read.length === 2) stop.abort();
  };
  await expect(instantDetector(teacher, { method, onEvent, signal: stop.signal })).rejects.toMatchObject({
    code: 'aborted',
  });
  expect(new Set(read)).toEqual(new Set(['image-read']));
  expect(read.length).toBeLessThan(8);
});

test('a calibration and an evaluation name all damaged images, too', async () => {
  const detector = await instantDetector(teacher, { method });
  const before = detector.description;
  const two = [damaged(samples[0]!), samples[1]!, damaged(samples[2]!)];
  const problems = {
    code: 'dataset-invalid',
    details: { problems: [{ path: samples[0]!.id }, { path: samples[2]!.id }] },
  };
  await expect(recalibrate(detector, sourceOf('normals', two))).rejects.toMatchObject(problems);
  expect(detector.description).toBe(before);
  const scored: string[] = [];
  const test = two.map((sample): Sample => ({ ...sample, split: 'test' }));
  await expect(
    evaluateDetector(detector, sourceOf('tests', test), {
      batchSize: 1,
      onEvent: (event) => event.type === 'image-scored' && scored.push(event.id),
    }),
  ).rejects.toMatchObject(problems);
  expect(scored).toEqual([]);
  detector.dispose();
});
