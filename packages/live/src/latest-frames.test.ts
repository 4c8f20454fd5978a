import fc from 'fast-check';
import { LatestFrames } from './latest-frames.js';

test('drops the oldest, and gives the newest in their order', async () => {
  const dropped: number[] = [];
  const frames = new LatestFrames<number>(2, (frame) => dropped.push(frame));
  for (const frame of [1, 2, 3, 4, 5]) frames.push(frame);
  frames.close('keep');
  const left: number[] = [];
  for await (const frame of frames) left.push(frame);
  expect([left, dropped]).toEqual([
    [4, 5],
    [1, 2, 3],
  ]);
});

test('a consumer that waits gets the next one; several wait in their order', async () => {
  const frames = new LatestFrames<number>(1);
  const asked = [frames.next(), frames.next(), frames.next()];
  frames.push(1);
  frames.push(2);
  frames.close('keep');
  expect(await Promise.all(asked)).toEqual([
    { done: false, value: 1 },
    { done: false, value: 2 },
    { done: true, value: undefined },
  ]);
});

test('what is closed drops what comes, and what waits where that is asked', () => {
  const dropped: number[] = [];
  const frames = new LatestFrames<number>(3, (frame) => dropped.push(frame));
  frames.push(1);
  frames.close('drop');
  frames.push(2);
  expect([dropped, frames.size]).toEqual([[1, 2], 0]);
});

test.each([0, -1, 1.5, NaN])('a capacity of %p is refused', (capacity) => {
  expect(() => new LatestFrames(capacity)).toThrow('wanted a positive integer');
});

test('every item is taken or dropped, once, in order, and at most the capacity wait', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.constantFrom('push', 'take'), { maxLength: 60 }),
      async (capacity, steps) => {
        const [taken, dropped]: [number[], number[]] = [[], []];
        const frames = new LatestFrames<number>(capacity, (frame) => dropped.push(frame));
        let pushed = 0;
        for (const step of steps) {
          if (step === 'push') frames.push(pushed++);
          else if (frames.size > 0) taken.push((await frames.next()).value!);
          expect(frames.size).toBeLessThanOrEqual(capacity);
          expect(taken.length + dropped.length + frames.size).toBe(pushed);
        }
        frames.close('keep');
        for await (const frame of frames) taken.push(frame);
        expect(taken).toEqual([...taken].sort((a, b) => a - b));
        expect([...taken, ...dropped].sort((a, b) => a - b)).toEqual([...Array(pushed).keys()]);
      },
    ),
  );
});
