import { DskdError } from '@dskd/base';
import type { Prediction } from '@dskd/detector';
import fc from 'fast-check';
import { AlarmRule } from './alarm-rule.js';
import { inspect, type InspectEvent, type InspectOptions } from './inspect.js';
import { Schedule } from './schedule.js';
import type { Frame, Source } from './source.js';

const later = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

const prediction = (score: number): Prediction =>
  ({ score, verdict: score > 1 ? 'anomalous' : 'normal' }) as Prediction;

/** A frame whose image is its score. */
const frame = (index: number, image = 0): Frame<number> => ({ id: String(index), time: index, image });

const BACKOFF = { firstMs: 5, mostMs: 20 };

class FakeSource implements Source<number> {
  readonly name = 'fake';
  opened = 0;
  ended = 0;

  constructor(
    readonly give: (attempt: number, signal: AbortSignal) => AsyncIterable<Frame<number>>,
    readonly isLive = true,
  ) {}

  async *frames(signal: AbortSignal): AsyncGenerator<Frame<number>> {
    try {
      yield* this.give(this.opened++, signal);
    } finally {
      this.ended++;
    }
  }
}

interface Outcome {
  readonly scored: number[];
  readonly alarms: number[];
  readonly errors: number[];
  readonly events: InspectEvent['type'][];
}

async function run(source: FakeSource, options: Partial<InspectOptions<number>> = {}): Promise<Outcome> {
  const outcome: Outcome = { scored: [], alarms: [], errors: [], events: [] };
  const inspected = inspect(source, {
    score: ({ image }) => Promise.resolve(prediction(image)),
    rule: new AlarmRule(),
    backoff: BACKOFF,
    signal: AbortSignal.timeout(5000),
    onEvent: ({ type }) => outcome.events.push(type),
    ...options,
  });
  for await (const { frame: each, result, alarm } of inspected) {
    (result instanceof Error ? outcome.errors : outcome.scored).push(Number(each.id));
    if (alarm) outcome.alarms.push(Number(each.id));
  }
  return outcome;
}

async function* timed(count: number, everyMs: number): AsyncGenerator<Frame<number>> {
  for (let index = 0; index < count; index++) {
    await later(everyMs);
    yield frame(index);
  }
}

test('a slow model leaves out the oldest frames, and scores the newest', async () => {
  let allCame = (): void => undefined;
  const came = new Promise<void>((resolve) => (allCame = resolve));
  const source = new FakeSource(async function* () {
    yield* timed(40, 0);
    allCame();
  });
  const { scored, events } = await run(source, {
    // The first frame takes as long as all others need to come.
    async score({ id }) {
      if (id === '0') await came;
      return prediction(0);
    },
    buffer: 2,
  });
  expect(scored).toEqual([0, 38, 39]);
  expect(events.filter((type) => type === 'frame-dropped')).toHaveLength(37);
});

test('a source that waits loses nothing', async () => {
  const source = new FakeSource(() => timed(12, 0), false);
  const { scored, events } = await run(source, {
    async score() {
      await later(4);
      return prediction(0);
    },
    buffer: 1,
    atATime: 3,
  });
  expect(scored).toEqual([...Array(12).keys()]);
  expect(events).toEqual(['source-opened']);
});

test('results come in the order of the frames, whichever is scored first', async () => {
  const source = new FakeSource(() => timed(12, 0), false);
  const { scored } = await run(source, {
    async score({ id }) {
      await later(Number(id) % 3 === 0 ? 15 : 1);
      return prediction(0);
    },
    atATime: 4,
  });
  expect(scored).toEqual([...Array(12).keys()]);
});

test('a source that fails is opened again, and the pauses grow', async () => {
  const waits: number[] = [];
  const source = new FakeSource(async function* (attempt) {
    await later(0);
    if (attempt === 1) yield frame(attempt);
    if (attempt < 5) throw new Error(`attempt ${attempt}`);
    yield frame(attempt);
  });
  const { scored, events } = await run(source, {
    onEvent(event) {
      if (event.type === 'source-failed') waits.push(event.retryMs);
    },
  });
  expect(scored).toEqual([1, 5]);
  expect(events).toEqual([]);
  expect(waits).toEqual([5, 10, 20, 20, 20]);
  expect(source.ended).toBe(6);
});

test('a camera that sends nothing any more is opened again, also if it does not end', async () => {
  const source = new FakeSource(async function* (attempt) {
    yield frame(attempt);
    if (attempt === 0) await new Promise(() => undefined);
  });
  const failures: unknown[] = [];
  const { scored } = await run(source, {
    stallMs: 200,
    onEvent(event) {
      if (event.type === 'source-failed') failures.push(event.error);
    },
  });
  expect(scored).toEqual([0, 1]);
  expect(failures).toMatchObject([{ code: 'timed-out', message: 'fake gave no frame for 0.2 s.' }]);
});

test('a folder may be quiet for as long as it likes', async () => {
  const source = new FakeSource(() => timed(2, 60), false);
  expect(await run(source, { stallMs: 10 })).toMatchObject({ scored: [0, 1], events: ['source-opened'] });
});

test.each(['dependency-missing', 'invalid-argument'] as const)('%s ends it', async (code) => {
  // oxlint-disable-next-line require-yield -- it fails before
  const source = new FakeSource(async function* () {
    await later(0);
    throw new DskdError(code, 'For good.');
  });
  await expect(run(source)).rejects.toMatchObject({ code });
  expect(source.opened).toBe(1);
});

test('a frame that cannot be scored has its error, and the others go on', async () => {
  const source = new FakeSource(() => timed(4, 0), false);
  const { scored, errors } = await run(source, {
    score: ({ id }) => (id === '2' ? Promise.reject(new Error('damaged')) : Promise.resolve(prediction(0))),
  });
  expect([scored, errors]).toEqual([[0, 1, 3], [2]]);
});

test('an anomaly does not go on over a failure of the source, nor over a closed schedule', async () => {
  const times = [0, 1000, 2000].map((time) => Date.parse('2026-11-30T06:59:58Z') + time);
  const anomalous = (time: number): Frame<number> => ({ id: String(time), time, image: 2 });
  const failing = new FakeSource(async function* (attempt) {
    await later(0);
    yield anomalous(times[attempt]!);
    if (attempt < 2) throw new Error('gone');
  }, false);
  const rule = (): AlarmRule => new AlarmRule({ minDuration: 1000 });
  expect((await run(failing, { rule: rule() })).alarms).toEqual([]);
  const whole = (): FakeSource =>
    new FakeSource(async function* () {
      await later(0);
      for (const time of times) yield anomalous(time);
    }, false);
  expect((await run(whole(), { rule: rule() })).alarms).toEqual(times.slice(1));
  const schedule = new Schedule('06:00-06:59; 07:00-08:00', 'UTC');
  const { alarms, scored, events } = await run(whole(), { rule: rule(), schedule });
  expect([alarms, scored]).toEqual([[], times.slice(2)]);
  expect(events.filter((type) => type === 'frame-skipped')).toHaveLength(2);
});

test('at its end frames that are scored are finished, those that wait are dropped, and the source is ended', async () => {
  const stop = new AbortController();
  const source = new FakeSource(() => timed(1000, 2));
  const started: number[] = [];
  const { scored, events } = await run(source, {
    async score({ id }) {
      started.push(Number(id));
      if (started.length === 4) stop.abort();
      await later(60);
      return prediction(0);
    },
    buffer: 3,
    atATime: 2,
    signal: stop.signal,
  });
  expect(scored).toEqual(started);
  expect(scored.length).toBeLessThan(8);
  expect(events).toContain('frame-dropped');
  await later(10);
  expect(source.ended).toBe(1);
});

test('who leaves the loop ends the source', async () => {
  const source = new FakeSource((_, signal) =>
    (async function* () {
      yield frame(0);
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    })(),
  );
  const inspected = inspect(source, {
    score: () => Promise.resolve(prediction(0)),
    rule: new AlarmRule(),
    signal: new AbortController().signal,
  });
  for await (const { frame: each } of inspected) {
    expect(each.id).toBe('0');
    break;
  }
  await later(10);
  expect(source.ended).toBe(1);
});

test('every frame of any source is scored, failed, dropped or skipped, once', async () => {
  const attempts = fc.array(
    fc.record({ frames: fc.integer({ min: 0, max: 12 }), pauseMs: fc.integer({ min: 0, max: 1 }) }),
    { minLength: 1, maxLength: 3 },
  );
  await fc.assert(
    fc.asyncProperty(
      attempts,
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      fc.integer({ min: 0, max: 2 }),
      async (plan, buffer, atATime, isLive, scoreMs) => {
        let given = 0;
        const source = new FakeSource(async function* (attempt) {
          await later(0);
          for (let index = 0; index < plan[attempt]!.frames; index++) {
            if (plan[attempt]!.pauseMs > 0) await later(1);
            yield frame(given++);
          }
          if (attempt < plan.length - 1) throw new Error('gone');
        }, isLive);
        const { scored, errors, events } = await run(source, {
          buffer,
          atATime,
          backoff: { firstMs: 0, mostMs: 0 },
          async score({ id }) {
            await later(scoreMs);
            if (Number(id) % 5 === 4) throw new Error('damaged');
            return prediction(0);
          },
        });
        const dropped = events.filter((type) => type === 'frame-dropped').length;
        expect(scored.length + errors.length + dropped).toBe(given);
        if (!isLive) expect(dropped).toBe(0);
      },
    ),
    { numRuns: 25 },
  );
});
