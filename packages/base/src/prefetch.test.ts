import { setTimeout as sleep } from 'node:timers/promises';
import { prefetch } from './prefetch.js';

const same = <T>(item: T): Promise<T> => Promise.resolve(item);

/** Counts from 0; tells how far it was asked and whether it was ended. */
class Counter implements AsyncIterableIterator<number> {
  asked = 0;
  ended = false;
  readonly #length: number;

  constructor(length: number) {
    this.#length = length;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<number, undefined>> {
    const value = this.asked++;
    return Promise.resolve(value < this.#length ? { done: false, value } : { done: true, value: undefined });
  }

  return(): Promise<IteratorResult<number, undefined>> {
    this.ended = true;
    return Promise.resolve({ done: true, value: undefined });
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

test('order is that of the source, whichever work ends first', async () => {
  const work = async (item: number): Promise<number> => {
    await sleep(item === 0 ? 60 : 1);
    return item * 10;
  };
  expect(await all(prefetch([0, 1, 2, 3], 3, work))).toEqual([0, 10, 20, 30]);
  expect(await all(prefetch(new Counter(4), 3, work))).toEqual([0, 10, 20, 30]);
  expect(await all(prefetch([], 3, work))).toEqual([]);
});

test.each([0, 1, 3])('while the caller is busy, %d more are asked for and no further one', async (count) => {
  const counter = new Counter(100);
  const working = { now: 0, most: 0 };
  const work = async (item: number): Promise<number> => {
    working.most = Math.max(working.most, ++working.now);
    await sleep(5);
    working.now--;
    return item;
  };
  let taken = 0;
  for await (const item of prefetch(counter, count, work)) {
    expect(item).toBe(taken++);
    await sleep(15);
    expect(counter.asked).toBe(taken + count);
    if (taken === 5) break;
  }
  expect(working.most).toBe(count + 1);
});

test('leaving the loop ends the source', async () => {
  const counter = new Counter(10);
  for await (const item of prefetch(counter, 2, same)) if (item === 1) break;
  expect(counter.ended).toBe(true);
});

test('an error comes at the place of its item, and ends the source', async () => {
  const counter = new Counter(10);
  const seen: number[] = [];
  const work = (item: number): Promise<number> =>
    item === 2 ? Promise.reject(new Error('two')) : Promise.resolve(item);
  const run = async (): Promise<void> => {
    for await (const item of prefetch(counter, 4, work)) seen.push(item);
  };
  await expect(run()).rejects.toThrow('two');
  expect(seen).toEqual([0, 1]);
  expect(counter.ended).toBe(true);
});

test('the signal ends the wait for a source that gives nothing', async () => {
  const stop = new AbortController();
  const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) };
  const pull = prefetch(silent, 1, same, stop.signal).next();
  setTimeout(() => stop.abort(new Error('enough')), 20);
  await expect(pull).rejects.toMatchObject({ code: 'aborted', cause: new Error('enough') });
  const counter = new Counter(3);
  await expect(prefetch(counter, 1, same, AbortSignal.abort()).next()).rejects.toMatchObject({
    code: 'aborted',
  });
  expect(counter.asked).toBe(0);
});
