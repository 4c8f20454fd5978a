import fc from 'fast-check';
import { connectedComponents, ProAccumulator, type ProSample } from './index.js';
import type { ProOptions } from './pro.js';
import { limitedArea, slowCurve } from './overlap-oracle.test.util.js';
import { sproSamples } from './overlap-samples.test.util.js';
import type { ProState } from './pro.js';

function accumulated(samples: readonly ProSample[], options?: ProOptions): ProAccumulator {
  const accumulator = new ProAccumulator(options);
  for (const sample of samples) accumulator.add(sample);
  return accumulator;
}

const good: ProSample = {
  name: 'good/000',
  width: 2,
  height: 2,
  map: Float32Array.of(1, 2, 3, 4),
  mask: null,
};
const broken: ProSample = {
  name: 'crack/000',
  width: 3,
  height: 2,
  map: Float32Array.of(9, 1, 3.5, 2.5, 1, 1),
  mask: Uint8Array.of(255, 0, 255, 255, 0, 0),
};

/** The first region of each image, as a mask. */
const samples = sproSamples.map((images) =>
  images.map(({ regions, ...sample }): ProSample => ({ ...sample, mask: regions[0]?.mask ?? null })),
);

/** AU-sPRO with each component as a region, whose saturation area is its whole area. */
function slowArea(images: readonly ProSample[], limit: number): number {
  const asRegions = images.map(({ mask, ...sample }) => {
    const { labels, areas } = connectedComponents(
      mask ?? new Uint8Array(sample.map.length),
      sample.width,
      sample.height,
    );
    const regions = areas.map((saturationArea, i) => ({
      saturationArea,
      mask: Uint8Array.from(labels, (label) => (label === i + 1 ? 1 : 0)),
    }));
    return { ...sample, regions, subset: mask ? 'defects' : 'good' };
  });
  return limitedArea(slowCurve(asRegions, 'defects'), limit);
}

test('without a component there is no AU-PRO, without background pixels it is NaN', () => {
  expect(new ProAccumulator().result()).toBeNull();
  expect(accumulated([good]).result()).toBeNull();
  const whole: ProSample = { ...good, mask: Uint8Array.of(1, 1, 1, 1) };
  expect(accumulated([whole]).result()).toMatchObject({
    components: 1,
    backgroundPixels: 0,
    area: { value: NaN },
  });
  const unseen = { ...broken, ignored: Uint8Array.of(1, 0, 1, 1, 0, 0) };
  expect(accumulated([good, unseen]).result()).toBeNull();
});

test('an example by hand', () => {
  // Components: 9 and 2.5 (connected at a corner), 3.5 alone. Background: 1 1 1, and 1 2 3 4 of the good image.
  const { area, curve, components, backgroundPixels } = accumulated([good, broken], { limit: 1 }).result()!;
  expect([components, backgroundPixels]).toEqual([2, 7]);
  expect(curve).toEqual({
    x: [0, 0, 1 / 7, 1 / 7, 2 / 7, 2 / 7, 1],
    y: [0, 0.25, 0.25, 0.75, 0.75, 1, 1],
  });
  expect(area.value).toBeCloseTo((0.25 + 0.75 + 5) / 7, 12);
  expect(area).toEqual({ limit: 1, value: area.value, lower: area.value, upper: area.value });
  expect(accumulated([good, broken]).result()!.area.limit).toBe(0.3);
});

test('refuses invalid input with the name of its image', () => {
  const accumulator = accumulated([good, broken]);
  const before = accumulator.toJSON();
  const add = (change: Partial<ProSample>) => () => {
    accumulator.add({ ...broken, ...change });
  };
  expect(add({ mask: new Uint8Array(6) })).toThrow('crack/000: the mask is empty');
  expect(add({ mask: new Uint8Array(5) })).toThrow('crack/000: the mask has 5 pixels; wanted 6, 3 x 2.');
  expect(add({ map: new Float32Array(6).fill(NaN) })).toThrow('crack/000: the score at pixel (0, 0) is NaN');
  expect(accumulator.toJSON()).toEqual(before);
  expect(() => new ProAccumulator({ limit: 0 })).toThrow('Got the limit 0');
  expect(() => {
    accumulator.merge(new ProAccumulator({ limit: 1 }));
  }).toThrow('Got the limit 1; wanted 0.3.');
});

test('equals the definition, counted threshold by threshold, within 1e-9', () => {
  fc.assert(
    fc.property(samples, fc.constantFrom(0.01, 0.3, 1), (images, limit) => {
      const result = accumulated(images, { limit }).result();
      const wanted = slowArea(images, limit);
      if (result === null || Number.isNaN(wanted)) {
        expect(result?.area.value ?? NaN).toBeNaN();
        expect(wanted).toBeNaN();
      } else {
        expect(Math.abs(result.area.value - wanted)).toBeLessThan(1e-9);
        expect(result.area.value).toBeGreaterThanOrEqual(0);
        expect(result.area.value).toBeLessThanOrEqual(1);
      }
    }),
  );
});

test('splitting, saving and merging, and the order of images, change nothing', () => {
  fc.assert(
    fc.property(samples, samples, (first, second) => {
      const merged = accumulated(first);
      merged.merge(ProAccumulator.fromJSON(JSON.parse(JSON.stringify(accumulated(second))) as ProState));
      expect(merged.toJSON()).toEqual(accumulated([...first, ...second]).toJSON());
      const [got, wanted] = [merged.result(), accumulated([...second, ...first]).result()];
      expect(got === null).toBe(wanted === null);
      if (got && wanted && !Number.isNaN(wanted.area.value)) {
        expect(got.area.value).toBeCloseTo(wanted.area.value, 12);
      }
    }),
    { numRuns: 50 },
  );
});
