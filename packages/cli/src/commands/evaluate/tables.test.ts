import type { ScoreMetrics } from '@dskd/metrics';
import { evaluationCsv, evaluationMarkdown } from './tables.js';
import { madeUpResult } from './made-up-result.test.util.js';

test('Markdown: every table, subsets and their mean at each limit', () => {
  expect(evaluationMarkdown(madeUpResult({ hasRegions: true }))).toBe(`# tray|b

tray|b: 3 good and 4 anomalous test images, 4 with a mask; protocol of MVTec LOCO AD.

| score | image AUROC | average precision | F1-max | pixel AUROC | pixel AP | AU-PRO |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
| local | 0.6000 | 0.6100 | 0.6200 | 0.6300 | 0.6400 | 0.6500 |
| fused | 0.8000 | 0.8100 | 0.8200 | 0.8300 | 0.8400 | 0.8500 |

| image AUROC by defect | local | fused |
| --- | ---: | ---: |
| logical_anomalies | 0.5000 | 0.7000 |
| structural_anomalies | 0.7000 | 0.9000 |
| mean | 0.6000 | 0.8000 |

| AU-sPRO up to | score | 0.05 | 0.3 |
| --- | --- | ---: | ---: |
| logical_anomalies | local | 0.3500 | 0.6000 |
| logical_anomalies | fused | 0.3500 | 0.6000 |
| structural_anomalies | local | 0.1500 | 0.4000 |
| structural_anomalies | fused | 0.1500 | 0.4000 |
| mean | local | 0.2500 | 0.5000 |
| mean | fused | 0.2500 | 0.5000 |

| AU-sPRO up to 0.05 by region | local | fused |
| --- | ---: | ---: |
| cut, "deep" | 0.5500 | 0.5500 |

at threshold 2.5000: 1 of 3 good images raise a false alarm, 2 of 4 anomalous ones are missed.
`);
});

test('Markdown without regions: values that are not known are a dash', () => {
  const text = evaluationMarkdown(madeUpResult({ hasRegions: false }));
  expect(text).not.toContain('sPRO');
  expect(text).toContain('| fused | 0.8000 | 0.8100 | 0.8200 | 0.8300 | - | - |');
});

test('Markdown without masks: no pixel metrics, and a line that says so; with some masks, how many', () => {
  const result = madeUpResult({ hasRegions: false });
  const withMasks = (withMask: number): string =>
    evaluationMarkdown({ ...result, images: { ...result.images, withMask } });
  const none = withMasks(0);
  expect(none).toContain('| score | image AUROC | average precision | F1-max |\n');
  expect(none).toContain('| fused | 0.8000 | 0.8100 | 0.8200 |\n');
  expect(none).toContain('no masks, so pixel AUROC, pixel AP and AU-PRO were not measured.\n');
  expect(none).not.toContain('NaN');
  expect(withMasks(3)).toContain(
    'pixel metrics are those of the good images and the 3 anomalous ones with a mask.',
  );
});

test('a branch without a map: dashes for pixel metrics, and no row in the tables of areas', () => {
  const { branches, ...rest } = madeUpResult({ hasRegions: true });
  const pooled: ScoreMetrics = {
    ...branches.local!,
    pixelAuroc: NaN,
    pixelAveragePrecision: NaN,
    auPro: null,
    auSpro: {},
    auSproByDefect: {},
  };
  const text = evaluationMarkdown({ ...rest, branches: { ...branches, pooled } });
  expect(text).toContain('| pooled | 0.6000 | 0.6100 | 0.6200 | - | - | - |');
  expect(text).not.toMatch(/^\| (logical_anomalies|mean) \| pooled/m);
  expect(text).toContain('| cut, "deep" | 0.5500 | - | 0.5500 |');
});

test('CSV: one number per row, means and bounds; quoted if necessary, empty if undefined', () => {
  const lines = evaluationCsv(madeUpResult({ hasRegions: true }))
    .trimEnd()
    .split('\n');
  expect(lines[0]).toBe('source,protocol,score,scope,name,metric,limit,value,lower,upper');
  const fused = lines.filter((line) => line.includes(',fused,'));
  expect(fused.map((line) => line.replace('tray|b,mvtec-loco-ad,fused,', ''))).toEqual([
    'all,,imageAuroc,,0.8,,',
    'all,,imageAveragePrecision,,0.81,,',
    'all,,imageF1Max,,0.8200000000000001,,',
    'all,,pixelAuroc,,0.8300000000000001,,',
    'all,,pixelAveragePrecision,,0.8400000000000001,,',
    'all,,auPro,0.3,0.8500000000000001,0.8400000000000001,0.8600000000000001',
    'all,,auSpro,0.05,0.25,0.2,0.30000000000000004',
    'all,,auSpro,0.3,0.5,0.2,0.7999999999999999',
    'images,structural_anomalies,imageAuroc,,0.9,,',
    'images,logical_anomalies,imageAuroc,,0.7000000000000001,,',
    'images,structural_anomalies,auSpro,0.05,0.15000000000000002,0.1,0.2',
    'images,structural_anomalies,auSpro,0.3,0.4,0.1,0.7',
    'images,logical_anomalies,auSpro,0.05,0.35,0.3,0.4',
    'images,logical_anomalies,auSpro,0.3,0.6,0.3,0.8999999999999999',
    'regions,"cut, ""deep""",auSpro,0.05,0.55,0.5,0.6',
    'regions,"cut, ""deep""",auSpro,0.3,0.8,0.5,1.1',
    'all,,threshold,,2.5,,',
    'all,,falseAlarms,,1,,',
    'all,,misses,,2,,',
  ]);
  expect(lines).toHaveLength(1 + 16 + 19);
  expect(evaluationCsv(madeUpResult({ hasRegions: false }))).toContain(
    'local,all,,pixelAveragePrecision,,,,\n',
  );
});
