import { DskdError } from '@dskd/base';
import type { DetectorDescription, Prediction } from '@dskd/detector';
import type { Crew, ScoreOptions } from './crew.js';
import { Engine, queueLimit } from './engine.js';

/** Takes numbers as images, up to two at a time, and ends each when the test says so. Its scores are those of `factor`. */
class FakeCrew implements Crew<number> {
  readonly size = 2;
  readonly info;
  failure: DskdError | undefined;
  onChange: (() => void) | undefined;
  readonly taken: number[] = [];
  readonly given: ScoreOptions[] = [];
  ended: 'finish' | 'drop' | undefined;
  readonly #ends: (() => void)[] = [];
  readonly #busy = new Set<Promise<void>>();

  constructor(
    readonly factor = 1,
    readonly isFast = false,
  ) {
    this.info = {
      engine: 'tfjs' as const,
      workers: 1,
      threads: 1,
      backend: 'cpu',
      description: {} as DetectorDescription,
      reason: `factor ${factor}`,
    };
  }

  get room(): number {
    return this.failure ? 0 : this.size - this.#busy.size;
  }

  async score(image: number, options: ScoreOptions): Promise<Prediction> {
    this.taken.push(image);
    this.given.push(options);
    const end = new Promise<void>((resolve) => {
      if (this.isFast) setTimeout(resolve, (image % 3) * 2);
      else this.#ends.push(resolve);
    });
    this.#busy.add(end);
    await end;
    this.#busy.delete(end);
    if (this.ended === 'drop') throw new DskdError('worker-failed', 'Dropped.');
    if (image < 0) throw new DskdError('image-unreadable', 'Negative.');
    return { score: image * this.factor } as Prediction;
  }

  /** Ends the oldest image. */
  async next(): Promise<void> {
    this.#ends.shift()!();
    await settled();
  }

  async end(how: 'finish' | 'drop'): Promise<void> {
    if (how === 'finish') await Promise.all(this.#busy);
    this.ended = how;
    for (const end of this.#ends) end();
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function engineWith(crew: FakeCrew, limit = 2): Engine<number, FakeCrew> {
  return new Engine(crew, (next: FakeCrew) => Promise.resolve(next), limit);
}

const code = (wanted: string): object => expect.objectContaining({ code: wanted }) as object;

test('beyond the queue an image is refused at once, and the others are scored in their order', async () => {
  const crew = new FakeCrew();
  const engine = engineWith(crew);
  const taken = [1, 2, 3, 4].map((image) => engine.predict(image));
  await expect(engine.predict(5)).rejects.toMatchObject({
    code: 'queue-full',
    details: { waiting: 2, queue: 2 },
    hint: expect.stringContaining('predictEach') as string,
  });
  expect(crew.taken).toEqual([1, 2]);
  await crew.next();
  expect(crew.taken).toEqual([1, 2, 3]);
  // There is room for one again.
  taken.push(engine.predict(6));
  await expect(engine.predict(7)).rejects.toEqual(code('queue-full'));
  for (let left = 0; left < 4; left++) await crew.next();
  expect((await Promise.all(taken)).map(({ score }) => score)).toEqual([1, 2, 3, 4, 6]);
  expect(crew.taken).toEqual([1, 2, 3, 4, 6]);
  await engine.dispose();
});

test('a queue of none takes what the workers take', async () => {
  const crew = new FakeCrew();
  const engine = engineWith(crew, 0);
  const taken = [engine.predict(1), engine.predict(2)];
  await expect(engine.predict(3)).rejects.toEqual(code('queue-full'));
  await crew.next();
  await crew.next();
  await Promise.all(taken);
  await engine.dispose();
});

test('the queue is 4 for each worker and at least 16, or what was asked for', () => {
  expect([0, 1, 4, 5, 8].map((workers) => queueLimit(undefined, workers))).toEqual([16, 16, 16, 20, 32]);
  expect(queueLimit(0, 8)).toBe(0);
  for (const wrong of [-1, 1.5, NaN, '3' as never]) {
    expect(() => queueLimit(wrong, 1)).toThrow('Got queue');
  }
});

test('an image that waits and is aborted never runs, and makes room', async () => {
  const crew = new FakeCrew();
  const engine = engineWith(crew, 1);
  const running = [engine.predict(1), engine.predict(2)];
  const stop = new AbortController();
  const waiting = engine.predict(3, { signal: stop.signal });
  stop.abort(new Error('enough'));
  await expect(waiting).rejects.toMatchObject({ code: 'aborted', cause: new Error('enough') });
  const other = engine.predict(4);
  for (let left = 0; left < 3; left++) await crew.next();
  await Promise.all([...running, other]);
  expect(crew.taken).toEqual([1, 2, 4]);
  await expect(engine.predict(5, { signal: AbortSignal.abort() })).rejects.toEqual(code('aborted'));
  expect(crew.taken).toEqual([1, 2, 4]);
  await engine.dispose();
});

test('an image that is being scored and is aborted rejects at once, and its result is dropped', async () => {
  const crew = new FakeCrew();
  const engine = engineWith(crew);
  const stop = new AbortController();
  const running = engine.predict(1, { signal: stop.signal, threshold: 3 });
  stop.abort();
  await expect(running).rejects.toEqual(code('aborted'));
  // The signal itself is not given to the worker, to which it cannot be posted.
  expect(crew.given).toEqual([{ threshold: 3 }]);
  // Its worker is busy until it is done.
  expect(crew.room).toBe(1);
  await crew.next();
  expect(crew.room).toBe(2);
  await engine.dispose();
});

test('predictEach gives the order of the images, asks for as many as keep all busy, and is never refused', async () => {
  const crew = new FakeCrew(1, true);
  const engine = engineWith(crew, 0);
  let asked = 0;
  function* images(): Generator<number> {
    while (asked < 40) yield asked++;
  }
  const scores: number[] = [];
  for await (const { score } of engine.predictEach(images(), { threshold: 2 })) {
    scores.push(score);
    expect(asked).toBeLessThanOrEqual(scores.length + crew.size + 1);
  }
  expect(scores).toEqual(Array.from({ length: 40 }, (_, index) => index));
  expect(crew.given[7]).toEqual({ threshold: 2 });
  await engine.dispose();
});

test('leaving predictEach takes its images out of the queue; an error comes at its place', async () => {
  const crew = new FakeCrew();
  const engine = engineWith(crew);
  const each = engine.predictEach([1, 2, 3, 4, 5], { prefetch: 4 });
  const first = each.next();
  await settled();
  await crew.next();
  expect((await first).value).toMatchObject({ score: 1 });
  await each.return();
  await crew.next();
  await crew.next();
  await settled();
  expect(crew.taken).toEqual([1, 2, 3]);

  const fast = engineWith(new FakeCrew(1, true));
  const seen: number[] = [];
  const run = async (): Promise<void> => {
    for await (const { score } of fast.predictEach([1, 2, -3, 4])) seen.push(score);
  };
  await expect(run()).rejects.toEqual(code('image-unreadable'));
  expect(seen).toEqual([1, 2]);
  await Promise.all([engine.dispose(), fast.dispose()]);
});

test.each(['part.png', new Uint8Array(3), null, 7])(
  'predictEach refuses %p in place of images',
  async (images) => {
    const engine = engineWith(new FakeCrew());
    await expect(engine.predictEach(images as never).next()).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining('predictEach') as string,
    });
    await engine.dispose();
  },
);

test('a swap gives what waits to the new model; the old one finishes what it has, and is freed', async () => {
  const [old, next] = [new FakeCrew(), new FakeCrew(100)];
  const engine = engineWith(old);
  const taken = [1, 2, 3, 4].map((image) => engine.predict(image));
  const swapped = engine.swap(next);
  await settled();
  expect(engine.info.reason).toBe('factor 100');
  expect([old.taken, next.taken, old.ended]).toEqual([[1, 2], [3, 4], undefined]);
  for (const crew of [next, next, old, old]) await crew.next();
  await swapped;
  expect(old.ended).toBe('finish');
  expect((await Promise.all(taken)).map(({ score }) => score)).toEqual([1, 2, 300, 400]);
  await engine.dispose();
  expect(next.ended).toBe('drop');
});

test('200 predictions while it swaps twice all succeed, by one of the models', async () => {
  const crews = [1, 100, 10_000].map((factor) => new FakeCrew(factor, true));
  const engine = engineWith(crews[0]!, 200);
  const taken = Array.from({ length: 200 }, (_, index) => engine.predict(index + 1));
  for (const next of crews.slice(1)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    await engine.swap(next);
  }
  const factors = (await Promise.all(taken)).map(({ score }, index) => score / (index + 1));
  // Each image by one model, an older one never after a newer one, and every model had some.
  expect(factors).toEqual([...factors].sort((a, b) => a - b));
  expect(new Set(factors)).toEqual(new Set([1, 100, 10_000]));
  expect(crews.map(({ ended }) => ended)).toEqual(['finish', 'finish', undefined]);
  await engine.dispose();
});

test('a swap that fails leaves the old model; the next one is tried', async () => {
  const old = new FakeCrew(1, true);
  const engine = new Engine<number, FakeCrew | string>(
    old,
    (model) =>
      typeof model === 'string'
        ? Promise.reject(new DskdError('file-not-found', model))
        : Promise.resolve(model),
    2,
  );
  const failing = engine.swap('missing');
  const next = new FakeCrew(100, true);
  const swapped = engine.swap(next);
  await expect(failing).rejects.toEqual(code('file-not-found'));
  expect([engine.info.reason, old.ended]).toEqual(['factor 1', undefined]);
  await swapped;
  expect((await engine.predict(2)).score).toBe(200);
  await engine.dispose();
});

test('a crew that takes nothing any more rejects what waits and what comes; a swap helps', async () => {
  const crew = new FakeCrew();
  const engine = engineWith(crew);
  const running = [engine.predict(1), engine.predict(2)];
  const waiting = engine.predict(3);
  crew.failure = new DskdError('worker-failed', 'Three in a row.');
  crew.onChange!();
  await expect(waiting).rejects.toEqual(code('worker-failed'));
  await expect(engine.predict(4)).rejects.toEqual(code('worker-failed'));
  const swapped = engine.swap(new FakeCrew(100, true));
  await crew.next();
  await crew.next();
  await Promise.all([...running, swapped]);
  expect((await engine.predict(5)).score).toBe(500);
  await engine.dispose();
});

test('dispose rejects what waits and what runs, and all that comes after', async () => {
  const crew = new FakeCrew();
  const engine = engineWith(crew);
  const taken = [1, 2, 3].map((image) => engine.predict(image));
  const each = engine.predictEach([4, 5]).next();
  await settled();
  const disposed = engine.dispose();
  for (const promise of [...taken, each]) await expect(promise).rejects.toEqual(code('disposed'));
  await disposed;
  expect(crew.ended).toBe('drop');
  for (const late of [engine.predict(1), engine.swap(new FakeCrew()), engine.predictEach([1]).next()]) {
    await expect(late).rejects.toEqual(code('disposed'));
  }
  await expect(engine.dispose()).resolves.toBeUndefined();
});

test('dispose during a swap ends the new model, too', async () => {
  const next = new FakeCrew(100);
  let load!: (crew: FakeCrew) => void;
  const signals: AbortSignal[] = [];
  const engine = new Engine<number, string>(
    new FakeCrew(),
    (_, signal) => {
      signals.push(signal);
      return new Promise<FakeCrew>((resolve) => (load = resolve));
    },
    2,
  );
  const swapped = engine.swap('next');
  await settled();
  const disposed = engine.dispose();
  expect(signals[0]!.aborted).toBe(true);
  load(next);
  await expect(swapped).rejects.toEqual(code('disposed'));
  await disposed;
  expect(next.ended).toBe('drop');
});

test('await using ends it', async () => {
  const crew = new FakeCrew();
  const engine = engineWith(crew);
  await engine[Symbol.asyncDispose]();
  expect(crew.ended).toBe('drop');
});
