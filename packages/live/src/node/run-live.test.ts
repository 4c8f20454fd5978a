import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DskdError, type PixelBuffer } from '@dskd/base';
import { decodeImage, encodeImage } from '@dskd/data/node';
import type { Prediction } from '@dskd/detector';
import { Area } from '../area.js';
import { Schedule } from '../schedule.js';
import { Broker, Subscriber, withoutDuplicates } from './broker.test.util.js';
import { begin, fakeEngine, PushSource, type KeptLine } from './live.test.util.js';
import { LiveMetrics } from './metrics.js';
import { endAll, freePort, later, mosquittoMissing, testWith, until } from './real-components.test.util.js';
import { Receiver } from './receiver.test.util.js';
import type { LiveOptions } from './run-live.js';
import { parseSink } from './sinks/address.js';
import { parseSource } from './sources/address.js';

const SECRETS = { webhook: 'a secret of at least 16 bytes' };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dskd run ü-'));
});
afterEach(endAll);
afterAll(() => rm(folder, { recursive: true }));

const newFolder = (name: string): Promise<string> => mkdtemp(path.join(folder, `${name}-`));

test('anomalous frames become alarms with what is known of them, for all sinks, and a summary', async () => {
  const source = new PushSource();
  const [out, spool] = [await newFolder('out'), await newFolder('spool')];
  const receiver = new Receiver();
  await receiver.up();
  const metrics = new LiveMetrics();
  const sinks = [parseSink(`folder:${out}`), parseSink(receiver.url, SECRETS)];
  const { summary, alarms, lines } = begin({ source, sinks, spool, metrics });
  source.push(0.5);
  const id = source.push(3);
  source.push(NaN);
  source.push(1.5);
  source.end();
  expect(await summary).toEqual({
    seconds: expect.any(Number) as number,
    frames: { scored: 3, failed: 1, dropped: 0, skipped: 0 },
    alarms: 2,
    source: { opened: 1, failed: 0, neverOpened: null },
    sinks: sinks.map(({ name }) => ({
      sink: name,
      delivered: 2,
      failedAttempts: 0,
      refused: 0,
      dropped: 0,
      waiting: 0,
    })),
  });
  expect(lines.at(-1)).toMatchObject({ message: 'summary', fields: { alarms: 2 } });
  expect(receiver.ids).toEqual(alarms());
  const files = (await readdir(out)).filter((name) => name.endsWith('.json'));
  const events = await Promise.all(
    files.map(
      async (name) => JSON.parse(await readFile(path.join(out, name), 'utf8')) as Record<string, unknown>,
    ),
  );
  const event = events.find((each) => each.frame === id)!;
  expect(event).toMatchObject({
    id: alarms()[0],
    model: 'tray',
    method: 'instant',
    source: 'push',
    score: 3,
    threshold: 1,
    branches: { local: { score: 3, anomalous: true } },
  });
  expect(event.since).toBe(event.time);
  expect(await readFile(path.join(out, event.image as string), 'utf8')).toBe('3');
  const text = await metrics.text();
  for (const line of [
    'dskd_live_frames_total{outcome="scored"} 3',
    'dskd_live_frames_total{outcome="failed"} 1',
    'dskd_live_alarms_total 2',
    'dskd_live_source_opens_total{outcome="opened"} 1',
    'dskd_live_source_up 1',
    `dskd_live_deliveries_total{sink="${sinks[1]!.name}",outcome="delivered"} 2`,
    `dskd_live_alarms_waiting{sink="${sinks[1]!.name}"} 0`,
    'dskd_live_frame_seconds_count 3',
  ]) {
    expect(text).toContain(line);
  }
  await receiver.down();
});

test('a webhook that is down gets every alarm later, in order, with its id; the other sink does not wait', async () => {
  const source = new PushSource();
  const [out, spool] = [await newFolder('out'), await newFolder('spool')];
  const receiver = new Receiver();
  await receiver.up();
  const { summary, alarms, lines } = begin({
    source,
    spool,
    sinks: [parseSink(receiver.url, SECRETS), parseSink(`folder:${out}`)],
  });
  for (let index = 0; index < 5; index++) source.push(2);
  await until(() => receiver.ids.length === 5, 'the first alarms');
  await receiver.down();
  for (let index = 0; index < 20; index++) {
    source.push(2);
    await later(20);
  }
  await until(() => lines.filter(({ message }) => message === 'delivery-failed').length > 3, 'some attempts');
  const written = async (): Promise<number> =>
    (await readdir(out)).filter((name) => name.endsWith('.json')).length;
  await until(async () => (await written()) === 25, 'the files of all alarms');
  await receiver.up();
  source.push(2);
  source.end();
  const { sinks } = await summary;
  expect(receiver.ids).toEqual(alarms());
  expect(sinks[0]).toMatchObject({ delivered: 26, waiting: 0, dropped: 0 });
  await receiver.down();
});

testWith('a broker that is killed', mosquittoMissing)(
  'a broker that is killed and started again gets every alarm, in order',
  async () => {
    const home = await newFolder('broker');
    const broker = await Broker.make(home, await freePort());
    broker.start();
    const subscriber = new Subscriber(broker.url, 'alarms');
    await subscriber.subscribed();
    const source = new PushSource();
    const { summary, alarms } = begin({
      source,
      sinks: [parseSink(`${broker.url}/alarms`)],
      spool: await newFolder('spool'),
      graceMs: 10_000,
    });
    for (let index = 0; index < 5; index++) source.push(2);
    await until(() => subscriber.ids.length === 5, 'the first alarms');
    await broker.kill();
    for (let index = 0; index < 10; index++) source.push(2);
    await until(() => alarms().length === 15, 'alarms while the broker is away');
    await later(150);
    broker.start();
    for (let index = 0; index < 5; index++) source.push(2);
    source.end();
    expect((await summary).sinks).toMatchObject([{ delivered: 20, waiting: 0 }]);
    await until(() => withoutDuplicates(subscriber.ids).length === 20, 'all alarms');
    expect(withoutDuplicates(subscriber.ids)).toEqual(alarms());
    await subscriber.end();
  },
);

test('alarms that cannot be delivered before the end are delivered by the next run, with those that come then', async () => {
  const receiver = new Receiver();
  await receiver.up();
  await receiver.down();
  const spool = await newFolder('spool');
  const options = { sinks: [parseSink(receiver.url, SECRETS)], spool, graceMs: 100 };
  const first = new PushSource();
  const before = begin({ ...options, source: first });
  for (let index = 0; index < 3; index++) first.push(2);
  await until(() => before.alarms().length === 3, 'three alarms');
  before.stop();
  expect((await before.summary).sinks).toMatchObject([{ delivered: 0, waiting: 3 }]);

  await receiver.up();
  const second = new PushSource();
  const after = begin({ ...options, source: second, graceMs: 5000 });
  second.push(2);
  second.end();
  expect((await after.summary).sinks).toMatchObject([{ delivered: 4, waiting: 0 }]);
  expect(receiver.ids).toEqual([...before.alarms(), ...after.alarms()]);
  await receiver.down();

  // Alarms of a sink that is not named any more are told.
  const other = new PushSource();
  await receiver.up();
  await receiver.down();
  const unnamed = new PushSource();
  const left = begin({ ...options, source: unnamed });
  unnamed.push(2);
  unnamed.end();
  await left.summary;
  other.end();
  const last = begin({ ...options, source: other, sinks: [parseSink(`folder:${await newFolder('out')}`)] });
  await last.summary;
  expect(last.lines).toContainEqual({
    level: 'warn',
    message: 'alarms wait for a sink that is not named any more',
    fields: { folder: expect.stringContaining('http-') as string, alarms: 1 },
  });
});

test('too many alarms that wait: the oldest are lost, counted and told', async () => {
  const receiver = new Receiver();
  await receiver.up();
  await receiver.down();
  const source = new PushSource();
  const { summary, alarms, lines } = begin({
    source,
    sinks: [parseSink(receiver.url, SECRETS)],
    spool: await newFolder('spool'),
    spoolLimits: { alarms: 4, bytes: 1e9 },
    deliveryBackoff: { firstMs: 300, mostMs: 300 },
  });
  for (let index = 0; index < 10; index++) source.push(2);
  const dropped = (): KeptLine[] => lines.filter(({ message }) => message === 'alarm-dropped');
  await until(() => dropped().length === 6, 'six alarms too many');
  await receiver.up();
  source.end();
  expect((await summary).sinks).toMatchObject([{ delivered: 4, dropped: 6, waiting: 0 }]);
  const lost = dropped().map(({ fields }) => fields.id);
  // Whichever was being delivered when others came is not lost.
  expect(alarms().filter((id) => !lost.includes(id))).toEqual(receiver.ids);
  expect(receiver.ids.slice(1)).toEqual(alarms().slice(7));
  await receiver.down();
});

test('a slow model leaves out the oldest frames of a camera, counts them, and scores the newest', async () => {
  const source = new PushSource(true);
  const { predict, info } = fakeEngine();
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  let started = 0;
  const engine: LiveOptions['engine'] = {
    info,
    async predict(image) {
      started++;
      await released;
      return predict(image);
    },
  };
  const { summary, lines } = begin({ source, sinks: [], spool: folder, engine, buffer: 1 });
  source.push(0.5);
  source.push(0.5);
  // An engine takes two frames at a time for each worker.
  await until(() => started === 2, 'two frames that are scored');
  for (let index = 2; index < 60; index++) {
    source.push(0.5);
    await later(0);
  }
  source.end();
  await later(20);
  release();
  expect((await summary).frames).toMatchObject({ scored: 3, dropped: 57 });
  const scored = lines.filter(({ message }) => message === 'frame-scored').map(({ fields }) => fields.frame);
  expect(scored).toEqual(['0.png', '1.png', '59.png']);
});

test('outside of the schedule nothing is scored', async () => {
  const source = new PushSource();
  const hour = new Date().getUTCHours();
  const closed = new Schedule(`${(hour + 3) % 24}:00-${(hour + 4) % 24}:00`, 'UTC');
  const { summary } = begin({ source, sinks: [], spool: folder, schedule: closed });
  source.push(2);
  source.end();
  expect(await summary).toMatchObject({ alarms: 0, frames: { scored: 0, skipped: 1 } });
});

test('only the area is inspected, and regions are where they are in the image', async () => {
  const inbox = await newFolder('in');
  const [out, spool] = [await newFolder('out'), await newFolder('spool')];
  const width = 40;
  const data = Uint8Array.from({ length: width * 30 * 3 }, (_, index) => (index * 11) % 251);
  await writeFile(path.join(inbox, 'a.png'), await encodeImage({ data, width, height: 30, channels: 3 }));
  await writeFile(path.join(inbox, 'b.png'), 'no image');
  await writeFile(
    path.join(inbox, 'c.png'),
    await encodeImage({ data: data.subarray(0, 300), width: 10, height: 10, channels: 3 }),
  );
  const seen: PixelBuffer[] = [];
  const engine: LiveOptions['engine'] = {
    info: fakeEngine().info,
    predict(image) {
      seen.push(image as PixelBuffer);
      const region = {
        box: { left: 1, top: 2, width: 3, height: 4 },
        area: 9,
        score: 5,
        peak: { x: 2, y: 3 },
      };
      return Promise.resolve({
        score: 5,
        verdict: 'anomalous',
        branches: {},
        regions: [region],
      } as unknown as Prediction);
    },
  };
  const { summary, stop, lines } = begin({
    source: parseSource(`folder:${inbox}`, { existing: true, settledMs: 20 }),
    sinks: [parseSink(`folder:${out}`)],
    spool,
    engine,
    area: new Area('10,5,20,15'),
  });
  const count = (message: string): number => lines.filter((line) => line.message === message).length;
  await until(() => count('alarm-delivered') === 1 && count('frame-failed') === 2, 'three frames');
  stop();
  expect(await summary).toMatchObject({ alarms: 1, frames: { scored: 1, failed: 2 } });
  const image = await decodeImage(path.join(inbox, 'a.png'));
  expect(seen).toMatchObject([{ width: 20, height: 15, channels: 3 }]);
  expect(seen[0]!.data.subarray(0, 60)).toEqual(
    image.data.subarray((5 * width + 10) * 3, (5 * width + 30) * 3),
  );
  const [json] = (await readdir(out)).filter((name) => name.endsWith('.json'));
  const event = JSON.parse(await readFile(path.join(out, json!), 'utf8')) as Record<string, unknown>;
  expect(event.regions).toMatchObject([{ box: { left: 11, top: 7 }, peak: { x: 12, y: 8 } }]);
  // The whole image, as it came.
  expect(await readFile(path.join(out, event.image as string))).toEqual(
    await readFile(path.join(inbox, 'a.png')),
  );
  expect(lines.filter(({ message }) => message === 'frame-failed').map(({ fields }) => fields)).toMatchObject(
    [
      { frame: 'b.png', error: { code: 'image-unreadable' } },
      {
        frame: 'c.png',
        error: { message: expect.stringContaining('10 x 10 pixels is too small') as string },
      },
    ],
  );
});

test('a sink that is named twice, and a spool that another run has, are refused', async () => {
  const spool = await newFolder('spool');
  const sink = (): LiveOptions['sinks'][number] => parseSink(`folder:${path.join(folder, 'twice')}`);
  await expect(begin({ source: new PushSource(), sinks: [sink(), sink()], spool }).summary).rejects.toThrow(
    'twice',
  );
  const first = begin({ source: new PushSource(), sinks: [sink()], spool });
  await later(50);
  await expect(begin({ source: new PushSource(), sinks: [sink()], spool }).summary).rejects.toThrow(
    'which another process uses',
  );
  first.stop();
  await first.summary;
});

test('an engine whose workers cannot be replaced ends the run; a worker that failed once does not', async () => {
  const source = new PushSource();
  const { predict, info } = fakeEngine();
  let fails = 3;
  const engine: LiveOptions['engine'] = {
    info,
    predict: (image) =>
      fails-- > 0 ? Promise.reject(new DskdError('worker-failed', 'Ended.')) : predict(image),
  };
  const { summary, lines } = begin({ source, sinks: [], spool: folder, engine });
  for (let index = 0; index < 5; index++) source.push(0);
  await until(() => lines.filter(({ message }) => message === 'frame-scored').length === 2, 'two frames');
  fails = Infinity;
  for (let index = 0; index < 50; index++) source.push(0);
  await expect(summary).rejects.toMatchObject({ code: 'worker-failed' });
  expect(lines.filter(({ message }) => message === 'frame-failed')).toHaveLength(13);
});

test('frames of pixels are written as PNG', async () => {
  const out = await newFolder('out');
  const pixels = { data: new Uint8Array(12).fill(9), width: 2, height: 2, channels: 3 };
  const source: LiveOptions['source'] = {
    name: 'one',
    isLive: true,
    async *frames() {
      await later(0);
      yield { id: '0', time: Date.now(), image: pixels };
    },
  };
  const engine: LiveOptions['engine'] = {
    info: fakeEngine().info,
    predict: () =>
      Promise.resolve({ score: 5, verdict: 'anomalous', branches: {}, regions: [] } as unknown as Prediction),
  };
  await begin({ source, sinks: [parseSink(`folder:${out}`)], spool: await newFolder('spool'), engine })
    .summary;
  const [png] = (await readdir(out)).filter((name) => name.endsWith('.png'));
  expect(await decodeImage(path.join(out, png!))).toEqual(pixels);
});
