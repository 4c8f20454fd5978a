import { setTimeout as pause } from 'node:timers/promises';
import { withinTime } from './within-time.js';

/** Ends with the reason of the signal. */
const untilAborted = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    signal.addEventListener('abort', () => resolve(signal.reason));
  });

test('the time ends the work, also after garbage was collected, and through a signal made of it', async () => {
  const { gc } = globalThis;
  if (!gc) throw new Error('The tests run with --expose-gc.');
  const other = new AbortController();
  const ended = withinTime(other.signal, 150, (signal) =>
    untilAborted(AbortSignal.any([signal, new AbortController().signal])),
  );
  for (let i = 0; i < 4; i++) {
    await pause(20);
    gc();
  }
  await expect(ended).resolves.toMatchObject({ name: 'TimeoutError' });
});

test('the signal ends the work with its reason, before or meanwhile', async () => {
  const other = new AbortController();
  const ended = withinTime(other.signal, 60_000, untilAborted);
  other.abort('enough');
  await expect(ended).resolves.toBe('enough');
  await expect(withinTime(other.signal, 60_000, untilAborted)).resolves.toBe('enough');
});

test('work that ends gives its result, and nothing aborts later', async () => {
  let given: AbortSignal | undefined;
  const other = new AbortController();
  const result = await withinTime(other.signal, 20, (signal) => {
    given = signal;
    return Promise.resolve(7);
  });
  await pause(40);
  other.abort();
  expect([result, given!.aborted]).toEqual([7, false]);
});
