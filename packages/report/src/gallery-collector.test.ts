import { randomStream } from '@dskd/base';
import { GalleryCollector, panelSide } from './gallery-collector.js';
import type { GalleryImages } from './gallery-collector.js';
import { DOT, madeUpEvaluation } from './made-up.test.util.js';

const { samples } = madeUpEvaluation({ good: 80, anomalous: 80, types: ['dent', 'stain'], threshold: 5 });
const images: GalleryImages = { width: 1, height: 1, input: DOT, fused: DOT, branches: {} };

async function collect(
  list: typeof samples,
  options: ConstructorParameters<typeof GalleryCollector>[0],
): Promise<{ groups: Record<string, string[]>; asked: number }> {
  const collector = new GalleryCollector(options);
  let asked = 0;
  for (const sample of list) {
    await collector.consider(sample, () => Promise.resolve((asked++, images)));
  }
  const groups: Record<string, string[]> = {};
  for (const { group, id } of collector.images()) (groups[group!] ??= []).push(id);
  return { groups, asked };
}

/** All verdicts are inverted, to have enough errors. */
const wrong = samples.map((sample) => ({
  ...sample,
  verdict: sample.verdict === 'normal' ? ('anomalous' as const) : ('normal' as const),
}));

test('the worst of each kind come first, and the random sample does not repeat them', async () => {
  const { groups } = await collect(wrong, { mistakes: 5, samples: 10, seed: 3 });
  const ids = (label: string, sign: 1 | -1): string[] =>
    wrong
      .filter((s) => s.label === label && s.verdict !== (label === 'good' ? 'normal' : 'anomalous'))
      .sort((a, b) => sign * (a.score - b.score))
      .slice(0, 5)
      .map(({ id }) => id);
  expect(groups['Worst misses']).toEqual(ids('anomalous', 1));
  expect(groups['Worst false alarms']).toEqual(ids('good', -1));
  const all = Object.values(groups).flat();
  expect(new Set(all).size).toBe(all.length);
  expect(groups['Random sample']!.length).toBeGreaterThan(5);
});

test('the selection depends on the seed, not on the order of images', async () => {
  const options = { mistakes: 4, samples: 12, seed: 1 };
  const { groups } = await collect(samples, options);
  const shuffled = randomStream(9, 'order').shuffle([...samples]);
  expect((await collect(shuffled, options)).groups).toEqual(groups);
  expect((await collect(samples, { ...options, seed: 2 })).groups['Random sample']).not.toEqual(
    groups['Random sample'],
  );
});

test('panels are made for candidates only', async () => {
  const { asked } = await collect(samples, { mistakes: 0, samples: 4 });
  // The expected number is 4 (1 + ln(160 / 4)).
  expect(asked).toBeGreaterThanOrEqual(4);
  expect(asked).toBeLessThan(40);
  expect((await collect(samples, { mistakes: 0, samples: 0 })).asked).toBe(0);
});

test('more images give smaller panels', () => {
  expect([1, 60, 110, 200, 1000].map(panelSide)).toEqual([224, 224, 160, 120, 96]);
});
