import fc from 'fast-check';
import {
  auPro,
  auroc,
  auSpro,
  connectedComponents,
  PixelMetricsAccumulator,
  pixelAuroc,
  ProAccumulator,
  type ScoreMap,
  SproAccumulator,
  type SproSample,
} from './index.js';
import { limitedArea, slowCurve } from './overlap-oracle.test.util.js';
import { sproSamples } from './overlap-samples.test.util.js';

const mapsOf = (samples: readonly SproSample[]): ScoreMap[] =>
  samples.map(({ map, width, height }) => ({ data: map, width, height }));
const ignoredOf = (samples: readonly SproSample[]) => samples.map(({ ignored }) => ignored ?? null);
const masksOf = (samples: readonly SproSample[]) => samples.map(({ regions }) => regions[0]?.mask ?? null);

function expectNear(got: number, wanted: number): void {
  if (Number.isNaN(wanted)) expect(got).toBeNaN();
  else expect(Math.abs(got - wanted)).toBeLessThan(1e-9);
}

test('pixelAuroc is equal to the accumulator and to the AUROC of all pixels at once', () => {
  fc.assert(
    fc.property(sproSamples, (samples) => {
      const masks = masksOf(samples);
      const got = pixelAuroc(mapsOf(samples), masks, { ignored: ignoredOf(samples) });
      const accumulator = new PixelMetricsAccumulator();
      const [scores, labels]: [number[], number[]] = [[], []];
      samples.forEach(({ map, ignored }, i) => {
        const mask = masks[i] ?? new Uint8Array(map.length);
        accumulator.add({ map, mask, ...(ignored && { ignored }) });
        map.forEach((score, pixel) => {
          if (ignored?.[pixel]) return;
          scores.push(score);
          labels.push(mask[pixel] ? 1 : 0);
        });
      });
      expect(got).toBe(accumulator.result().auroc);
      expectNear(got, auroc(scores, labels));
    }),
  );
});

test('auPro is equal to the accumulator and to the definition, threshold by threshold', () => {
  fc.assert(
    fc.property(sproSamples, fc.constantFrom(undefined, 0.05, 1), (samples, limit) => {
      const masks = masksOf(samples);
      const options = { ...(limit !== undefined && { limit }) };
      const got = auPro(mapsOf(samples), masks, { ...options, ignored: ignoredOf(samples) });
      const accumulator = new ProAccumulator(options);
      const asRegions = samples.map((sample, i) => {
        accumulator.add({ ...sample, mask: masks[i]! });
        if (!masks[i]) return { ...sample, subset: 'good', regions: [] };
        const { labels, areas } = connectedComponents(masks[i], sample.width, sample.height);
        const regions = areas.map((saturationArea, component) => ({
          saturationArea,
          mask: Uint8Array.from(labels, (label) => (label === component + 1 ? 1 : 0)),
        }));
        return { ...sample, subset: 'defects', regions };
      });
      expect(got).toBe(accumulator.result()?.area.value ?? NaN);
      if (!Number.isNaN(got)) expectNear(got, limitedArea(slowCurve(asRegions, 'defects'), limit ?? 0.3));
    }),
  );
});

test('auSpro is equal to the accumulator and to the definition, threshold by threshold', () => {
  fc.assert(
    fc.property(sproSamples, fc.constantFrom(undefined, 0.3), (samples, limit) => {
      const options = { ...(limit !== undefined && { limit }), ignored: ignoredOf(samples) };
      const regions = samples.map((sample) => sample.regions);
      const maps = mapsOf(samples);
      const subsets = samples.map(({ subset }) => subset);

      const accumulator = new SproAccumulator({ limits: [limit ?? 0.05] });
      for (const sample of samples) accumulator.add(sample);
      const found = Object.values(accumulator.result().subsets).map(({ limits }) => limits[0]!.value);
      const mean = found.reduce((sum, value) => sum + value, 0) / found.length;
      expect(auSpro(maps, regions, { ...options, subsets })).toBe(mean);

      const pooled = samples.map((sample) => ({
        ...sample,
        subset: sample.subset === 'good' ? 'good' : 'anomalous',
      }));
      const got = auSpro(maps, regions, options);
      if (!Number.isNaN(got)) expectNear(got, limitedArea(slowCurve(pooled, 'anomalous'), limit ?? 0.05));
    }),
  );
});

test('is NaN without defects; refuses invalid input with the number of its image', () => {
  const map = { data: Float32Array.of(1, 2, 3, 4), width: 2, height: 2 };
  const mask = Uint8Array.of(0, 0, 0, 1);
  expect(pixelAuroc([map], [null])).toBeNaN();
  expect(auPro([map], [null])).toBeNaN();
  expect(auSpro([map], [[]])).toBeNaN();
  expect(auPro([map], [mask])).toBe(1);
  for (const oneShot of [pixelAuroc, auPro]) {
    expect(() => oneShot([map, map], [mask])).toThrow('Got 2 maps and 1 masks; wanted one per map');
    expect(() => oneShot([map], [mask], { ignored: [] })).toThrow('Got 1 maps and 0 ignore masks');
    expect(() => oneShot([map], [new Uint8Array(3)])).toThrow('image 0');
  }
  expect(() => auSpro([map], [])).toThrow('Got 1 maps and 0 lists of regions');
  expect(() => auSpro([map], [[{ mask, saturationArea: 0 }]])).toThrow('image 0: the saturation area');
  expect(() => auPro([map], [new Uint8Array(4)])).toThrow('image 0: the mask is empty');
  expect(() => auPro([map], [mask], { limit: 2 })).toThrow('Got the limit 2');
});
