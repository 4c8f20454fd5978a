import { type Sample, summarize } from './samples.js';

function sample(id: string, split: Sample['split'], defectType: string, hasMask = false): Sample {
  const never = (): Promise<never> => Promise.reject(new Error('not read'));
  const label = defectType === 'good' ? 'good' : 'anomalous';
  return { id, split, label, defectType, load: never, ...(hasMask ? { loadMask: never } : {}) };
}

test('counts by split and defect, without reading an image', () => {
  const samples = [
    sample('a', 'test', 'scratch', true),
    sample('b', 'test', 'good'),
    sample('c', 'train', 'good'),
    sample('d', 'test', 'scratch'),
    sample('e', 'validation', 'good'),
    sample('f', 'test', 'dent', true),
    sample('g', 'train', 'good'),
  ];
  expect(summarize({ samples }).table).toBe(
    [
      'split       label      defect type  images  masks',
      'train       good       good              2      0',
      'validation  good       good              1      0',
      'test        good       good              1      0',
      'test        anomalous  dent              1      1',
      'test        anomalous  scratch           2      1',
      'total                                    7      2',
    ].join('\n'),
  );
});

test('an empty source has no rows', () => {
  expect(summarize({ samples: [] }).rows).toEqual([]);
});
