import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { randomStream, type PixelBuffer } from '@dskd/base';
import { sourceOf } from '@dskd/data';
import { encodeImage } from '@dskd/data/node';
import { trainDetector } from '@dskd/detector';
import { openEngine } from '@dskd/engine/node';
import { loadTeacher } from '@dskd/models';
import { teacherTiny } from '@dskd/teacher-tiny';
import { useBackend } from '@dskd/test-support';
import { Area } from '../area.js';
import { keptLog } from './live.test.util.js';
import { until } from './real-components.test.util.js';
import { runLive } from './run-live.js';
import { parseSink } from './sinks/address.js';
import { parseSource } from './sources/address.js';

beforeAll(() => useBackend('wasm'));

/** Noise; of a bad one a corner is dark. */
function image(seed: number, isBad = false): PixelBuffer {
  const [width, height] = [60, 44];
  const random = randomStream(seed, 'image');
  const data = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const isDark = isBad && pixel % width < 16 && pixel < 16 * width;
    data.fill((isDark ? 10 : 150) + 20 * random.uniform(), pixel * 3, pixel * 3 + 3);
  }
  return { data, width, height, channels: 3 };
}

/** `pixels` in the middle of a larger, black image. */
function framed(pixels: PixelBuffer, left: number, top: number): PixelBuffer {
  const [width, height] = [pixels.width + 2 * left, pixels.height + 2 * top];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < pixels.height; y++) {
    const row = pixels.data.subarray(y * pixels.width * 3, (y + 1) * pixels.width * 3);
    data.set(row, ((top + y) * width + left) * 3);
  }
  return { data, width, height, channels: 3 };
}

test('a real detector in a worker inspects the area of each file of a folder: its score is that of the part alone', async () => {
  const samples = Array.from({ length: 8 }, (_, index) => ({
    id: `train/good/${index}.png`,
    split: 'train' as const,
    label: 'good' as const,
    defectType: 'good',
    load: () => Promise.resolve(image(index)),
  }));
  const tiny = teacherTiny();
  const teacher = await loadTeacher(tiny.name, await tiny.load());
  const trained = await trainDetector({
    source: sourceOf('noise', samples),
    teacher,
    method: 'fre',
    seed: 1,
    input: { size: [44, 60] },
  });
  const bytes = trained.save();
  trained.dispose();
  teacher.dispose();
  const engine = await openEngine(bytes, { engine: 'tfjs', workers: 1 });
  const parts = [image(100), image(101, true)];
  const wanted = await Promise.all(parts.map((part) => engine.predict(part)));
  // Between them: eight images calibrate badly.
  const threshold = (wanted[0]!.score + wanted[1]!.score) / 2;
  const [worst] = (await engine.predict(parts[1]!, { threshold })).regions;

  const folder = await mkdtemp(path.join(tmpdir(), 'dskd real-'));
  const [left, top] = [20, 10];
  for (const [index, name] of ['a.png', 'b.png'].entries())
    await writeFile(path.join(folder, name), await encodeImage(framed(parts[index]!, left, top)));
  const stop = new AbortController();
  const scores: number[] = [];
  const running = runLive({
    engine,
    model: 'noise',
    source: parseSource(`folder:${folder}`, { existing: true, settledMs: 20 }),
    sinks: [parseSink(`folder:${path.join(folder, 'alarms')}`)],
    spool: path.join(folder, 'spool'),
    threshold,
    area: new Area(`${left},${top},60,44`),
    onFrame: ({ score }) => scores.push(score),
    log: keptLog().log,
    signal: stop.signal,
  });
  await until(() => scores.length === 2, 'two frames', 30_000);
  stop.abort();
  expect(await running).toMatchObject({ alarms: 1, frames: { scored: 2 }, sinks: [{ delivered: 1 }] });
  expect(scores).toEqual(wanted.map(({ score }) => score));
  const [json] = (await readdir(path.join(folder, 'alarms'))).filter((name) => name.endsWith('.json'));
  const event = JSON.parse(await readFile(path.join(folder, 'alarms', json!), 'utf8')) as {
    readonly frame: string;
    readonly regions: readonly { readonly box: object }[];
  };
  expect(event.frame).toBe('b.png');
  const { box } = worst!;
  expect(event.regions[0]!.box).toEqual({ ...box, left: box.left + left, top: box.top + top });
  await engine.dispose();
  await rm(folder, { recursive: true });
});
