import fc from 'fast-check';
import type { Sample, Split } from './samples.js';
import { splitBySeed } from './split-by-seed.js';

const never = (): Promise<never> => Promise.reject(new Error('not read'));

function samplesOf(counts: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(counts).flatMap(([defectType, count]) =>
    Array.from({ length: count }, (_, index) => ({
      id: `${defectType}/${index}.png`,
      split: 'train' as const,
      label: defectType === 'good' ? ('good' as const) : ('anomalous' as const),
      defectType,
      origin: { sha256: `${defectType}${index}` },
      load: never,
    })),
  );
}

type Shares = Parameters<typeof splitBySeed>[1];
const split = (samples: readonly Sample[], shares: Shares): readonly Sample[] =>
  splitBySeed({ name: 'cap', samples }, shares).samples;

function counts(samples: readonly Sample[], defectType: string): [number, number, number] {
  const of = (name: Split): number =>
    samples.filter((sample) => sample.split === name && sample.defectType === defectType).length;
  return [of('train'), of('validation'), of('test')];
}

test('distributes each type by the given fractions; defects are never in train', () => {
  const result = split(samplesOf({ good: 100, dent: 30, scratch: 9 }), {
    validation: 0.1,
    test: 0.2,
    seed: 1,
  });
  expect(counts(result, 'good')).toEqual([70, 10, 20]);
  expect(counts(result, 'dent')).toEqual([0, 10, 20]);
  expect(counts(result, 'scratch')).toEqual([0, 3, 6]);
});

test('without a validation split all defects are in test, and without both too', () => {
  const samples = samplesOf({ good: 10, dent: 4 });
  const tested = split(samples, { validation: 0, test: 0.2, seed: 1 });
  expect([counts(tested, 'good'), counts(tested, 'dent')]).toEqual([
    [8, 0, 2],
    [0, 0, 4],
  ]);
  const none = split(samples, { validation: 0, test: 0, seed: 1 });
  expect([counts(none, 'good'), counts(none, 'dent')]).toEqual([
    [10, 0, 0],
    [0, 0, 4],
  ]);
});

test('of 0, 1, 2 and 3 images: train first, then test, then validation', () => {
  const result = (count: number): unknown =>
    counts(split(samplesOf({ good: count }), { validation: 0.3, test: 0.3, seed: 5 }), 'good');
  expect([0, 1, 2, 3].map(result)).toEqual([
    [0, 0, 0],
    [1, 0, 0],
    [1, 0, 1],
    [1, 1, 1],
  ]);
});

test('every image is in exactly one split, and sizes differ from the fractions by at most one', () => {
  const share = fc.double({ min: 0, max: 0.45, noNaN: true });
  fc.assert(
    fc.property(
      fc.integer({ min: 10, max: 80 }),
      share,
      share,
      fc.integer(),
      (count, validation, testing, seed) => {
        const samples = samplesOf({ good: count });
        const result = split(samples, { validation, test: testing, seed });
        expect(result.map(({ id }) => id)).toEqual(samples.map(({ id }) => id));
        const dealt = counts(result, 'good');
        [1 - validation - testing, validation, testing].forEach((wanted, index) => {
          // A fraction above 0 gets at least one image, which the other splits then lack.
          expect(Math.abs(dealt[index]! - wanted * count)).toBeLessThanOrEqual(2);
          if (wanted > 0) expect(dealt[index]).toBeGreaterThan(0);
          else expect(dealt[index]).toBe(0);
        });
      },
    ),
    { numRuns: 50 },
  );
});

test('depends on the seed and the ids, not on the order of the list or earlier splits', () => {
  const samples = samplesOf({ good: 40, dent: 10 });
  const testIds = (list: readonly Sample[], seed: number): string[] =>
    split(list, { validation: 0.1, test: 0.3, seed })
      .filter((sample) => sample.split === 'test')
      .map(({ id }) => id)
      .sort();
  expect(testIds([...samples].reverse(), 1)).toEqual(testIds(samples, 1));
  expect(testIds(split(samples, { validation: 0.4, test: 0.4, seed: 9 }), 1)).toEqual(testIds(samples, 1));
  expect(testIds(samples, 2)).not.toEqual(testIds(samples, 1));
});

test('adding one image moves few others between splits', () => {
  const held = (count: number): Set<string> =>
    new Set(
      split(samplesOf({ good: count }), { validation: 0.1, test: 0.2, seed: 3 })
        .filter(({ split: name }) => name === 'test')
        .map(({ id }) => id),
    );
  const before = held(100);
  expect([...held(101)].filter((id) => !before.has(id)).length).toBeLessThanOrEqual(1);
});

test("keeps the samples' functions, and changes the fingerprint with the split", async () => {
  const [first] = samplesOf({ good: 1 });
  const mask = { data: Uint8Array.of(1), width: 1, height: 1, channels: 1 };
  class Lazy implements Sample {
    readonly id = 'lazy';
    readonly split = 'train' as const;
    readonly label = 'anomalous' as const;
    readonly defectType = 'dent';
    readonly origin = { sha256: 'a' };
    readonly maskOrigin = { sha256: 'b' };
    readonly #mask = mask;
    load(): ReturnType<Sample['load']> {
      return Promise.resolve(this.#mask);
    }
    loadMask(): ReturnType<Sample['load']> {
      return Promise.resolve(this.#mask);
    }
  }
  const source = splitBySeed(
    { name: 'cap', samples: [first!, new Lazy()] },
    { validation: 0, test: 0.1, seed: 1 },
  );
  expect(source.name).toBe('cap');
  expect(source.samples.map(({ split: name }) => name)).toEqual(['train', 'test']);
  expect(await source.samples[1]!.load()).toBe(mask);
  expect(await source.samples[1]!.loadMask!()).toBe(mask);
  expect('loadMask' in source.samples[0]!).toBe(false);
  const other = splitBySeed(source, { validation: 0.1, test: 0, seed: 1 });
  expect(await other.fingerprint()).not.toBe(await source.fingerprint());
});

test.each([
  [-0.1, 0.1],
  [0.5, 0.5],
  [Number.NaN, 0],
])('throws when the fractions are %p and %p', (validation, testing) => {
  expect(() => split([], { validation, test: testing, seed: 1 })).toThrow('a sum below 1');
});
