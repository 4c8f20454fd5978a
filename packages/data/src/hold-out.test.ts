import fc from 'fast-check';
import { holdOut } from './split-by-seed.js';

const named = (count: number): { id: string }[] =>
  Array.from({ length: count }, (_, index) => ({ id: `train/good/${index}.png` }));

const fractions = fc.double({ min: 0, max: 1, minExcluded: true, maxExcluded: true, noNaN: true });

describe('holdOut', () => {
  test('holds out none of 0 or 1 samples, and one of 2', () => {
    fc.assert(
      fc.property(fractions, fc.integer(), (fraction, seed) => {
        expect(holdOut([], { fraction, seed })).toEqual({ kept: [], heldOut: [] });
        expect(holdOut(named(1), { fraction, seed })).toEqual({ kept: named(1), heldOut: [] });
        const { kept, heldOut } = holdOut(named(2), { fraction, seed });
        expect([kept.length, heldOut.length]).toEqual([1, 1]);
      }),
    );
  });

  test('splits the list into two lists of the requested size, each in the original order', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 60 }), fractions, fc.integer(), (count, fraction, seed) => {
        const samples = named(count);
        const { kept, heldOut } = holdOut(samples, { fraction, seed });
        expect(heldOut).toHaveLength(Math.min(count - 1, Math.max(1, Math.round(count * fraction))));
        expect(samples.filter((sample) => kept.includes(sample))).toEqual(kept);
        expect(samples.filter((sample) => heldOut.includes(sample))).toEqual(heldOut);
        expect(new Set([...kept, ...heldOut])).toEqual(new Set(samples));
        expect(kept.length + heldOut.length).toBe(count);
      }),
    );
  });

  test('depends on the seed and the ids, not on the order of the list', () => {
    const samples = named(50);
    const ids = (list: readonly { id: string }[], seed: number): string[] =>
      holdOut(list, { fraction: 0.2, seed })
        .heldOut.map(({ id }) => id)
        .sort();
    expect(ids([...samples].reverse(), 1)).toEqual(ids(samples, 1));
    expect(ids(samples, 2)).not.toEqual(ids(samples, 1));
  });

  test('adding one image moves few samples between the lists', () => {
    const before = new Set(holdOut(named(100), { fraction: 0.1, seed: 3 }).heldOut.map(({ id }) => id));
    const after = holdOut(named(101), { fraction: 0.1, seed: 3 }).heldOut.map(({ id }) => id);
    expect(after.filter((id) => !before.has(id)).length).toBeLessThanOrEqual(1);
  });

  test.each([0, 1, -0.1, Number.NaN])('throws when the fraction is %p', (fraction) => {
    expect(() => holdOut(named(3), { fraction, seed: 1 })).toThrow('wanted 0 < f < 1');
  });
});
