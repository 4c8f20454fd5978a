import type { HistoryEntry } from '@dskd/base';
import * as fc from 'fast-check';
import { hasSettled } from './held-out.js';

function historyOf(losses: Readonly<Record<string, readonly number[]>>): HistoryEntry[] {
  const epochs = Object.values(losses)[0]!.length;
  return Array.from({ length: epochs }, (_, epoch) => ({
    epoch,
    losses: {},
    heldOut: Object.fromEntries(Object.entries(losses).map(([name, values]) => [name, values[epoch]!])),
  }));
}

test.each([
  ['still falling', { local: [3, 2, 1] }, 1, false],
  ['not falling once', { local: [3, 2, 2] }, 1, true],
  ['not falling once, with more patience', { local: [3, 2, 2] }, 2, false],
  ['risen twice', { local: [3, 2, 4, 3] }, 2, true],
  ['risen, then lower than ever', { local: [3, 2, 4, 1] }, 1, false],
  ['lower than the epoch before, but not than ever', { local: [3, 1, 4, 2] }, 2, true],
  ['falling by less than a hundredth', { local: [1, 0.995, 0.993] }, 2, true],
  ['one of two students is still learning', { local: [3, 3, 3], global: [3, 2, 1] }, 2, false],
  ['both have settled', { local: [3, 3, 3], global: [3, 3, 3] }, 2, true],
])('%s', (_, losses, patience, settled) => {
  expect(hasSettled(historyOf(losses), patience)).toBe(settled);
});

test('epochs of a run that measured nothing do not count', () => {
  const before: HistoryEntry[] = [{ epoch: 0, losses: { local: 1 } }];
  expect(hasSettled([], 1)).toBe(false);
  expect(hasSettled(before, 1)).toBe(false);
  expect(hasSettled([...before, ...historyOf({ local: [1, 1] })], 1)).toBe(true);
});

test('once it has settled, the epochs after that were never trained: no shorter history has settled', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.1, max: 10, noNaN: true }), { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 1, max: 5 }),
      (losses, patience) => {
        const settledAt = losses.findIndex((_, end) =>
          hasSettled(historyOf({ local: losses.slice(0, end + 1) }), patience),
        );
        if (settledAt < 0) return;
        // By the definition: none of the last `patience` losses is lower than all before by a hundredth.
        const before = Math.min(...losses.slice(0, settledAt + 1 - patience));
        for (const loss of losses.slice(settledAt + 1 - patience, settledAt + 1)) {
          expect(loss).toBeGreaterThanOrEqual(before * 0.99 * 0.99);
        }
        expect(settledAt).toBeGreaterThanOrEqual(patience);
      },
    ),
  );
});
