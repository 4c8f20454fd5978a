import { inSlices, takeTurns } from './turns.js';

const busy = (milliseconds: number): void => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
};

/** How often the event loop is reached during some work. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let goes = true;
  const count = (): void => {
    turns++;
    if (goes) setImmediate(count);
  };
  setImmediate(count);
  await work();
  goes = false;
  return turns;
}

test('the event loop gets its turn every few milliseconds, and not more often', async () => {
  const turns = await turnsDuring(async () => {
    for (let part = 0; part < 40; part++) {
      await takeTurns();
      busy(1);
    }
  });
  expect(turns).toBeGreaterThanOrEqual(5);
  expect(turns).toBeLessThan(40);
});

test('works on several images take turns, one in each round of the event loop', async () => {
  const steps: string[] = [];
  const work = async (name: string): Promise<void> => {
    for (let part = 0; part < 3; part++) {
      busy(6);
      await takeTurns();
      steps.push(name);
    }
  };
  const rounds = await turnsDuring(() => Promise.all([work('a'), work('b'), work('c')]));
  expect(steps).toEqual(['a', 'b', 'c', 'a', 'b', 'c', 'a', 'b', 'c']);
  expect(rounds).toBeGreaterThanOrEqual(9);
});

test('each pixel is worked on once, in order', async () => {
  for (const pixels of [0, 1, 2 ** 14, 2 ** 14 + 1, 100_000]) {
    const slices: [number, number][] = [];
    expect(await inSlices(pixels, (from, to) => void slices.push([from, to]))).toBe(true);
    expect(slices.map(([from]) => from)).toEqual([0, ...slices.map(([, to]) => to)].slice(0, slices.length));
    expect(slices.at(-1)?.[1] ?? 0).toBe(pixels);
    expect(Math.max(0, ...slices.map(([from, to]) => to - from))).toBeLessThanOrEqual(2 ** 14);
  }
});

test('work that is done early is not continued', async () => {
  let calls = 0;
  expect(await inSlices(2 ** 20, () => ++calls < 3)).toBe(false);
  expect(calls).toBe(3);
});
