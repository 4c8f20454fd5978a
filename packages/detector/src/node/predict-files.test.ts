import '@tensorflow/tfjs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DskdError } from '@dskd/base';
import { encodeImage, watchFolder } from '@dskd/data/node';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import type { Detector } from '../inference/detector.js';
import { fixtureBytes, fixtureImage, fixtureTeacher } from '../artifact/older-formats.test.util.js';
import { loadDetector } from '../artifact/load-detector.js';
import type { Teacher } from '@dskd/models';
import { predictFiles, type FilePrediction, type PredictFilesOptions } from './predict-files.js';

let teacher: Teacher;
let detector: Detector;
let folder: string;
const images = [fixtureImage(1, false), fixtureImage(2, true)];

beforeAll(async () => {
  await useBackend('wasm');
  teacher = fixtureTeacher();
  detector = await loadDetector(fixtureBytes(1), { teacher });
  folder = await mkdtemp(path.join(tmpdir(), 'dskd predict ü-'));
  for (const [index, image] of images.entries()) {
    await writeFile(path.join(folder, `${index}.png`), await encodeImage(image));
  }
  await writeFile(path.join(folder, 'bad.png'), 'no image');
});
afterAll(async () => {
  detector.dispose();
  teacher.dispose();
  await rm(folder, { recursive: true });
});

async function all(
  files: Parameters<typeof predictFiles>[1],
  options?: PredictFilesOptions,
): Promise<FilePrediction[]> {
  const list: FilePrediction[] = [];
  for await (const prediction of predictFiles(detector, files, options)) list.push(prediction);
  return list;
}

test('paths and Buffers give what the images give, with the image', async () => {
  const wanted = await detector.predict(images);
  const files = [path.join(folder, '0.png'), Buffer.from(await encodeImage(images[1]!))];
  const got = await expectNoNewTensors(() => all(files));
  expect(got.map(({ prediction }) => prediction)).toEqual(wanted);
  expect(got.map(({ source }) => source)).toEqual(files);
  expect([...got[1]!.image.data]).toEqual([...images[1]!.data]);
});

test('an image that cannot be read ends the call, or is told of and passed over', async () => {
  const files = ['0.png', 'bad.png', 'missing.png', '1.png'].map((name) => path.join(folder, name));
  await expect(all(files)).rejects.toMatchObject({ code: 'image-unreadable' });
  const told: [string, unknown][] = [];
  const got = await all(files, {
    onUnreadable: ({ code }: DskdError, source) => void told.push([code, source]),
  });
  expect(got.map(({ source }) => source)).toEqual([files[0], files[3]]);
  // They are decoded at the same time.
  expect(told).toHaveLength(2);
  expect(told).toEqual(
    expect.arrayContaining([
      ['image-unreadable', files[1]],
      ['file-not-found', files[2]],
    ]),
  );
});

test('a watched folder is scored as images arrive, until the signal', async () => {
  const stop = new AbortController();
  const arriving = await mkdtemp(path.join(tmpdir(), 'dskd-arriving-'));
  const watch = watchFolder(arriving, { settledMs: 40, pollMs: 40, signal: stop.signal });
  const png = await encodeImage(images[1]!);
  const wanted = await detector.predict(images[1]!);
  await writeFile(path.join(arriving, 'a.png'), png);
  const scores: number[] = [];
  for await (const { source, prediction } of predictFiles(detector, watch)) {
    scores.push(prediction.score);
    if (source === path.join(arriving, 'a.png')) await writeFile(path.join(arriving, 'b.png'), png);
    else stop.abort();
  }
  expect(scores).toEqual([wanted.score, wanted.score]);
  await rm(arriving, { recursive: true });
});

test('leaving the loop ends the watch, though it waits', async () => {
  const watch = watchFolder(folder, { settledMs: 40, pollMs: 40, existing: true });
  for await (const { source } of predictFiles(detector, watch)) {
    expect(source).toBe(path.join(folder, '0.png'));
    break;
  }
  expect(await watch.next()).toEqual({ done: true, value: undefined });
});
