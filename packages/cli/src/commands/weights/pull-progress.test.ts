import { jest } from '@jest/globals';
import { PullProgressView } from './registry.js';

// The bar is redrawn by a timer, a few times a second.
beforeEach(() => jest.useFakeTimers({ now: 0 }));
afterEach(() => jest.useRealTimers());

const MEBIBYTE = 2 ** 20;

/** The text that a download of 100 MiB at 10 MiB/s writes. */
function show(isTTY: boolean, { announced }: { announced: boolean }): string[] {
  const written: string[] = [];
  let now = 0;
  const stream = { isTTY, columns: 60, write: (text: string) => written.push(text) };
  const view = new PullProgressView('net', stream, () => now);
  const size = announced ? { total: 100 * MEBIBYTE } : {};
  for (let second = 0; second <= 10; second++) {
    now = second * 1000;
    view.update({ received: second * 10 * MEBIBYTE, attempt: 1, ...size });
    now += 1;
    view.update({ received: second * 10 * MEBIBYTE + 1, attempt: 1, ...size });
    jest.advanceTimersByTime(1000);
  }
  view.end();
  return written;
}

test('on a terminal a bar is redrawn, with rate and time left', () => {
  const written = show(true, { announced: true });
  expect(written[0]).toBe('pulling net (100.0 MiB)\n');
  expect(written).toContain('[########........] 50.0/100.0 MiB  10.0 MiB/s  5s left');
  expect(written.at(-1)).toBe('\x1b[2K');
  // The bar is not redrawn for every chunk.
  expect(written.filter((text) => text.includes('MiB/s')).length).toBeLessThan(15);
});

test('without a terminal there is a line for every tenth', () => {
  const written = show(false, { announced: true });
  expect(written).toHaveLength(11);
  expect(written[5]).toBe('net: 50.0/100.0 MiB  10.0 MiB/s  5s left\n');
  for (const control of ['\r', '\x1b']) expect(written.join('')).not.toContain(control);
});

test('without a length there is a line for every 16 MiB, and no time left', () => {
  const written = show(false, { announced: false });
  expect(written[0]).toBe('pulling net (size unknown)\n');
  expect(written).toHaveLength(7);
  expect(written[1]).toBe('net: 20.0 MiB  10.0 MiB/s\n');
});

test('a retry reports the reason and where it resumes, and measures a new rate', () => {
  const written: string[] = [];
  let now = 0;
  const stream = { write: (text: string) => written.push(text) };
  const view = new PullProgressView('net', stream, () => now);
  const total = 100 * MEBIBYTE;
  view.update({ received: 0, total, attempt: 1 });
  view.update({ received: 50 * MEBIBYTE, attempt: 2, problem: 'the server sent nothing for 30 s' });
  now = 60_000;
  view.update({ received: 50 * MEBIBYTE, total, attempt: 2 });
  now = 61_000;
  view.update({ received: 75 * MEBIBYTE, total, attempt: 2 });
  expect(written).toEqual([
    'pulling net (100.0 MiB)\n',
    'net: the server sent nothing for 30 s; trying again\n',
    'pulling net (100.0 MiB, resuming after 50.0)\n',
    'net: 75.0/100.0 MiB  25.0 MiB/s  1s left\n',
  ]);
});
