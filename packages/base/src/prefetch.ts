import { DskdError, throwIfAborted } from './errors.js';

/** `work`, or the rejection `aborted` as soon as the signal says so: `work` may wait forever. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  let stop = (): void => undefined;
  const aborted = new Promise<void>((resolve) => (stop = resolve));
  signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([work, aborted]);
    throwIfAborted(signal);
    return await work;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/**
 * What `source` gives, each passed through `work`, in order. While the caller is busy with one, up to `count`
 * more are asked for and worked on. When the caller leaves, or on an error, `source` is ended, too.
 * @throws what `source` and `work` throw, at the place of the item; `aborted`, `invalid-argument` (the count).
 */
export async function* prefetch<T, R>(
  source: AsyncIterable<T> | Iterable<T>,
  count: number,
  work: (item: T) => Promise<R>,
  signal?: AbortSignal,
): AsyncGenerator<R, void, undefined> {
  if (!Number.isInteger(count) || count < 0) {
    throw new DskdError('invalid-argument', `Got prefetch ${count}, wanted 0 or a positive integer.`);
  }
  const iterator =
    Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  const worked = async (): Promise<IteratorResult<R, undefined>> => {
    const next = await iterator.next();
    return next.done ? { done: true, value: undefined } : { done: false, value: await work(next.value) };
  };
  const asked: Promise<IteratorResult<R, undefined>>[] = [];
  try {
    for (;;) {
      throwIfAborted(signal);
      while (asked.length <= count) {
        const next = worked();
        // Its error is told when its turn comes, which may be never.
        next.catch(() => undefined);
        asked.push(next);
      }
      const next = await orAborted(asked.shift()!, signal);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    // Not awaited: a generator that waits for its next item ends only after that.
    Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}
