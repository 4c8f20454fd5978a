import { auroc, compareEvaluations, type ScoredSample } from './index.js';

function sample(id: string, label: ScoredSample['label'], score: number, threshold = 5): ScoredSample {
  const verdict = score > threshold ? 'anomalous' : 'normal';
  return { id, label, defectType: label === 'good' ? 'good' : 'dent', score, branchScores: {}, verdict };
}

const before = {
  source: 'tray',
  samples: [
    sample('a', 'good', 1),
    sample('b', 'good', 6),
    sample('c', 'good', 2),
    sample('d', 'anomalous', 4),
    sample('e', 'anomalous', 9),
    sample('f', 'anomalous', 7),
  ],
};

test('images are paired by name, whatever their order; changed verdicts are named', () => {
  const samples = [
    sample('f', 'anomalous', 3),
    sample('a', 'good', 1),
    sample('d', 'anomalous', 8),
    sample('b', 'good', 2),
    sample('c', 'good', 2.5),
    sample('e', 'anomalous', 9),
  ];
  const { changed, auroc: compared } = compareEvaluations(before, { source: 'tray', samples });
  const labels = [0, 0, 0, 1, 1, 1];
  expect(compared.first).toBeCloseTo(auroc([1, 6, 2, 4, 9, 7], labels), 12);
  expect(compared.second).toBeCloseTo(auroc([1, 2, 2.5, 8, 9, 3], labels), 12);
  expect(changed.map(({ id, verdict, better }) => [id, verdict, better])).toEqual([
    ['b', 'normal', true],
    ['d', 'anomalous', true],
    ['f', 'normal', false],
  ]);
  expect(changed[0]).toMatchObject({ label: 'good', defectType: 'good' });
});

test('an evaluation compared with itself changes nothing', () => {
  const { changed, auroc: compared } = compareEvaluations(before, before);
  expect(changed).toEqual([]);
  expect(compared).toMatchObject({ difference: 0, pValue: 1 });
});

test('other images are refused by name', () => {
  const without = { source: 'tray', samples: before.samples.slice(1) };
  expect(() => compareEvaluations(before, without)).toThrow(/a is in the first only/);
  expect(() => compareEvaluations(without, before)).toThrow(/a is in the second only/);
  const relabeled = before.samples.map((each) => ({ ...each, label: 'anomalous' as const }));
  expect(() => compareEvaluations(before, { source: 'x', samples: relabeled })).toThrow(
    /a is good in the first and anomalous in the second/,
  );
  const none = { source: 'box', samples: [] };
  expect(() => compareEvaluations(before, none)).toThrow(/tray and box .* and 3 more/);
});
