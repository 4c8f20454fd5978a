import '@tensorflow/tfjs';
import type { AnomalyModel } from '@dskd/methods';
import { placement, type ImageSource, type Sample } from '@dskd/data';
import { auroc, averagePrecision, f1Max, type LimitedArea, type ScoreMetrics } from '@dskd/metrics';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import type * as tf from '@tensorflow/tfjs-core';
import { brightness, brightnessDetector, imageModel } from '../inference/brightness-detector.test.util.js';
import { Detector } from '../inference/detector.js';
import { evaluateDetector, type EvaluatedImage } from './evaluate-detector.js';
import { mapInImage } from '../inference/map-in-image.js';
import {
  componentsByFlooding,
  overlapAreasByCounting,
  type OracleImage,
} from './overlap-oracle.test.util.js';
import { scatteredSource } from './scattered-source.test.util.js';

beforeAll(() => useBackend('cpu'));

const [HEIGHT, WIDTH] = [10, 12];
const LIMITS = [0.01, 0.05, 0.1, 0.3, 1];
const LOGICAL = 'logical_anomalies';
const STRUCTURAL = 'structural_anomalies';

/** The lower left corner never counts; given to the evaluation, neither do some pixels of the middle. */
const own = Uint8Array.from({ length: HEIGHT * WIDTH }, (_, i) => (i % WIDTH < 3 && i / WIDTH >= 8 ? 1 : 0));
const given = Uint8Array.from({ length: HEIGHT * WIDTH }, (_, i) => (i % 11 === 5 ? 1 : 0));

/** Two branches that see different things: how bright a pixel is, and how red. */
function twoBranchDetector(): Detector {
  const one = brightnessDetector({ inputSize: [HEIGHT, WIDTH], sigma: 0.8, threshold: 1.5, ignored: own });
  const redness = imageModel('redness', (images) =>
    images.slice([0, 0, 0, 0], [-1, -1, -1, 1]).squeeze<tf.Tensor3D>([3]),
  );
  const models = [one.model, redness];
  const model: AnomalyModel = {
    ...brightness,
    branches: models.flatMap(({ branches }) => branches),
    score: async (images) => (await Promise.all(models.map((each) => each.score(images)))).flat(),
  };
  const [described] = one.description.branches;
  const description = {
    ...one.description,
    branches: [described!, { ...described!, name: 'redness', normalization: { offset: 0.3, scale: 0.2 } }],
  };
  return new Detector({ model, description, teacher: one.teacher, ignored: one.ignored });
}

interface Judged extends Omit<OracleImage, 'regions'> {
  readonly sample: Sample;
  readonly score: number;
  readonly width: number;
  readonly height: number;
  readonly mask: Uint8Array;
  readonly regions: readonly { mask: Uint8Array; saturationArea: number; defectType: string }[];
}

/** Everything that one score says, straight from predictions one by one. */
async function judgedImages(source: ImageSource, branch: string | undefined): Promise<Judged[]> {
  const detector = twoBranchDetector();
  return Promise.all(
    source.samples.map(async (sample) => {
      const image = await sample.load();
      const { width, height } = image;
      const prediction = await detector.predict(image, { ignored: given });
      const { content, branches } = prediction;
      const part = branch === undefined ? prediction : branches[branch]!;
      const placed = placement(image, { width: WIDTH, height: HEIGHT }, 'letterbox');
      const ignored = Uint8Array.from({ length: width * height }, (_, i) => {
        const { x, y } = placed.toNetwork({ x: (i % width) + 0.5, y: Math.floor(i / width) + 0.5 });
        const pixel = Math.floor(y) * WIDTH + Math.floor(x);
        return own[pixel]! || given[pixel]! ? 1 : 0;
      });
      const regions = (await sample.loadRegions?.()) ?? [];
      const mask = (await sample.loadMask?.())?.data ?? new Uint8Array(width * height);
      return {
        ...{ sample, score: part.score, width, height, ignored, mask: Uint8Array.from(mask) },
        map: mapInImage({ map: part.map!, content }, image).data,
        regions: regions.map((region) => ({ ...region, mask: Uint8Array.from(region.mask.data) })),
      };
    }),
  );
}

const labelOf = ({ sample }: Judged): number => (sample.label === 'anomalous' ? 1 : 0);
const separation = (images: readonly Judged[]): [number[], number[]] => [
  images.map(({ score }) => score),
  images.map(labelOf),
];
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function expectPixelMetrics(quality: ScoreMetrics, images: readonly Judged[]): void {
  const pixels = images.flatMap(({ map, mask, ignored }) =>
    [...map].flatMap((score, i) => (ignored[i] ? [] : [[score, mask[i] ? 1 : 0] as const])),
  );
  const [scores, labels] = [pixels.map(([score]) => score), pixels.map(([, label]) => label)];
  expect(quality.pixelAuroc).toBeCloseTo(auroc(scores, labels), 12);
  expect(quality.pixelAveragePrecision).toBeCloseTo(averagePrecision(scores, labels), 12);
  const byComponent = images.map(({ mask, width, height, ...image }) => ({
    ...image,
    regions: componentsByFlooding(mask, width, height).map((component) => ({
      mask: component,
      saturationArea: Infinity,
    })),
  }));
  expect(quality.auPro!.limit).toBe(0.3);
  expect(quality.auPro!.value).toBeCloseTo(overlapAreasByCounting(byComponent, [0.3])[0]!, 9);
  expect([quality.auPro!.lower, quality.auPro!.upper]).toEqual([quality.auPro!.value, quality.auPro!.value]);
}

function expectAreas(areas: readonly LimitedArea[], images: readonly OracleImage[]): void {
  expect(areas.map(({ limit }) => limit)).toEqual(LIMITS);
  const wanted = overlapAreasByCounting(images, LIMITS);
  areas.forEach(({ value }, index) => expect(value).toBeCloseTo(wanted[index]!, 9));
}

const goodOr =
  (subset: string) =>
  ({ sample }: Judged): boolean =>
    sample.defectType === 'good' || sample.defectType === subset;

test.each([undefined, 'redness'])('MVTec LOCO AD, %s: all numbers equal brute force', async (branch) => {
  const source = scatteredSource({ subsets: [STRUCTURAL, LOGICAL], truth: 'regions' });
  const images = await judgedImages(source, branch);
  const result = await expectNoNewTensors(() =>
    evaluateDetector(twoBranchDetector(), source, { ignored: given, batchSize: 3 }),
  );
  expect(result).toMatchObject({
    protocol: 'mvtec-loco-ad',
    images: { good: 3, anomalous: 6, withMask: 6 },
  });
  const quality = branch === undefined ? result.fused : result.branches[branch]!;
  const subsets = [STRUCTURAL, LOGICAL].map((subset) => images.filter(goodOr(subset)));
  const aurocs = subsets.map((subset) => auroc(...separation(subset)));
  expect(quality.imageAurocByDefect).toEqual({ [STRUCTURAL]: aurocs[0], [LOGICAL]: aurocs[1] });
  expect(quality.imageAuroc).toBe(mean(aurocs));
  expect(quality.imageAveragePrecision).toBe(
    mean(subsets.map((subset) => averagePrecision(...separation(subset)))),
  );
  expect(quality.imageF1Max).toBe(mean(subsets.map((subset) => f1Max(...separation(subset)).f1)));
  expectPixelMetrics(quality, images);
  expect(Object.keys(quality.auSpro).sort()).toEqual([LOGICAL, STRUCTURAL]);
  expect(Object.keys(quality.auSproByDefect)).toHaveLength(4);
  for (const [index, subset] of [STRUCTURAL, LOGICAL].entries()) {
    expectAreas(quality.auSpro[subset]!, subsets[index]!);
    for (const type of [`${subset} block`, `${subset} speckle`]) {
      const ofType = subsets[index]!.map(({ regions, ...image }) => ({
        ...image,
        regions: regions.filter(({ defectType }) => defectType === type),
        otherMasks: regions.map(({ mask }) => mask),
      }));
      expectAreas(quality.auSproByDefect[type]!, ofType);
    }
    const curve = quality.curves.spro[subset]!;
    expect([curve.x[0], curve.y[0], curve.x.at(-1), curve.y.at(-1)]).toEqual([0, 0, 1, 1]);
  }
  expect(quality.curves.roc.x.at(-1)).toBe(1);
  expect(quality.curves.precisionRecall.x.at(-1)).toBe(1);
  expect(quality.curves.pro!.x.length).toBeLessThanOrEqual(200);
});

test('MVTec AD: anomalous images are one class, components are found; nothing is saturated', async () => {
  const source = scatteredSource({ subsets: ['dent', 'hole'], truth: 'mask' });
  const images = await judgedImages(source, undefined);
  const { protocol, fused } = await evaluateDetector(twoBranchDetector(), source, { ignored: given });
  expect(protocol).toBe('mvtec-ad');
  expect(fused.imageAuroc).toBe(auroc(...separation(images)));
  expect(fused.imageAveragePrecision).toBe(averagePrecision(...separation(images)));
  expect(fused.imageF1Max).toBe(f1Max(...separation(images)).f1);
  expect(fused.imageAurocByDefect).toEqual({
    dent: auroc(...separation(images.filter(goodOr('dent')))),
    hole: auroc(...separation(images.filter(goodOr('hole')))),
  });
  expectPixelMetrics(fused, images);
  expect([fused.auSpro, fused.auSproByDefect, fused.curves.spro]).toEqual([{}, {}, {}]);
});

test('what is scored is handed over in order, awaited, with the maps and masks that were measured; nothing is read twice', async () => {
  const all = scatteredSource({ subsets: [STRUCTURAL], truth: 'regions' });
  let loaded = 0;
  const samples = all.samples.map((sample) => ({
    ...sample,
    load: () => {
      loaded++;
      return sample.load();
    },
  }));
  const seen: EvaluatedImage[] = [];
  let isBusy = false;
  await evaluateDetector(
    twoBranchDetector(),
    { ...all, samples },
    {
      batchSize: 4,
      async onImage(image) {
        expect(isBusy).toBe(false);
        isBusy = true;
        await new Promise((resolve) => setTimeout(resolve, 1));
        isBusy = false;
        seen.push(image);
      },
    },
  );
  expect(loaded).toBe(samples.length);
  expect(seen.map(({ sample }) => sample)).toEqual(samples);
  for (const { sample, image, prediction, maps, mask } of seen) {
    expect(image).toEqual(await sample.load());
    expect(maps.fused).toEqual(mapInImage(prediction, image));
    for (const [name, { map }] of Object.entries(prediction.branches)) {
      expect(maps.branches[name]).toEqual(mapInImage({ map: map!, content: prediction.content }, image));
    }
    const { width, height } = image;
    const wanted = (await sample.loadMask?.())?.data.map((value) => (value ? 1 : 0));
    expect(mask).toMatchObject({ width, height, channels: 1 });
    expect(mask!.data.map((value) => (value ? 1 : 0))).toEqual(wanted ?? new Uint8Array(width * height));
  }
});

test.each([
  ['of another size', 3, 1, 'is 3 x 13 with 1 channel(s); wanted 1 channel of the image', 'dataset-invalid'],
  ['without a pixel', 21, 0, 'test/dent/000.png: the mask is empty', 'invalid-argument'],
])('a mask %s is refused by name', async (_, width, value, message, code) => {
  const all = scatteredSource({ subsets: ['dent'], truth: 'mask' });
  const mask = { data: new Uint8Array(width * 13).fill(value), width, height: 13, channels: 1 };
  const samples = all.samples.map((sample) =>
    sample.label === 'good' ? sample : { ...sample, loadMask: () => Promise.resolve(mask) },
  );
  const evaluation = evaluateDetector(twoBranchDetector(), { ...all, samples });
  await expect(evaluation).rejects.toMatchObject({
    code,
    message: expect.stringContaining(message) as string,
  });
});

test('subsets of MVTec AD, where defects are not known apart: means over subsets, no sPRO', async () => {
  const source = scatteredSource({ subsets: [STRUCTURAL, LOGICAL], truth: 'mask' });
  const { protocol, fused } = await evaluateDetector(twoBranchDetector(), source);
  expect(protocol).toBe('mvtec-loco-ad');
  expect(fused.imageAuroc).toBe(mean(Object.values(fused.imageAurocByDefect)));
  expect(fused.auPro).not.toBeNull();
  expect(fused.auSpro).toEqual({});
});

test('without ground truth there are image metrics alone', async () => {
  const source = scatteredSource({ subsets: ['dent'], truth: 'none' });
  const { images, fused } = await evaluateDetector(twoBranchDetector(), source);
  expect(images).toEqual({ good: 3, anomalous: 3, withMask: 0 });
  expect(fused.imageAuroc).toBeGreaterThanOrEqual(0);
  expect(fused).toMatchObject({ pixelAuroc: NaN, pixelAveragePrecision: NaN, auPro: null });
  expect(fused.curves.pro).toBeNull();
});

test.each(['good', 'anomalous'] as const)(
  'with no %s images what cannot be measured is NaN',
  async (missing) => {
    const all = scatteredSource({ subsets: [STRUCTURAL], truth: 'regions' });
    const source = { ...all, samples: all.samples.filter(({ label }) => label !== missing) };
    const { fused } = await evaluateDetector(twoBranchDetector(), source);
    expect(fused.imageAuroc).toBeNaN();
    if (missing === 'good') {
      // The anomalous images' own background is still there.
      expect(fused.auSpro[STRUCTURAL]!.every(({ value }) => value >= 0 && value <= 1)).toBe(true);
    } else expect(fused).toMatchObject({ auPro: null, auSpro: {}, pixelAuroc: NaN });
  },
);
