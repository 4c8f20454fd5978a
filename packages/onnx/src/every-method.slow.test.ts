import { randomStream, type PixelBuffer } from '@dskd/base';
import { auroc } from '@dskd/metrics';
import { useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import { comparePredictors } from './compare-predictors.js';
import {
  corner,
  exportedThroughFiles,
  expectSamePredictions,
  smallImage,
  TEST_IMAGES,
} from './small-detectors.test.util.js';

let undo: () => void;
beforeAll(async () => {
  await useBackend('wasm');
  undo = registerWasmGradients();
});
afterAll(() => undo());

type Options = Parameters<typeof exportedThroughFiles>[0];

const short = { epochs: 1, batchSize: 4 };
const input = { size: [64, 64] } as const;
const tiny = { decoderWidths: [4, 8, 8], fusionWidths: [4, 8], phiChannels: 16 };
const dskd = { preset: 'nano', architecture: tiny, ...short };
const withObjective = (name: string, options: object, branch = 'global'): object => ({
  ...dskd,
  branches: { [branch]: { branch, objective: { name, options }, optimizer: { learningRate: 1e-3 } } },
});

const odd = { size: [50, 74] } as const;

/** Networks are trained for one epoch of two steps. */
const CASES: Readonly<Record<string, Options>> = {
  patchcore: { method: 'patchcore', input: odd },
  'patchcore, re-weighted, with positions': {
    method: 'patchcore',
    options: { reweight: 5, positionWeight: 0.5 },
    input: odd,
  },
  'patchcore, official embedding': { method: 'patchcore', options: { embedding: 'official' }, input: odd },
  fre: { method: 'fre', input: odd },
  padim: { method: 'padim', input: odd },
  gaussian: { method: 'gaussian', input: odd },
  'instant, a letterbox': { method: 'instant', input: { ...input, fit: 'letterbox' } },
  'instant, an ignore mask': { method: 'instant', input: { ...odd, ignored: corner(50, 74) } },
  'instant, tiles': { method: 'instant', input: { size: [48, 72], tiles: { size: 32, overlap: 8 } } },
  'dskd, nano': { method: 'dskd', options: { preset: 'nano', ...short }, input },
  'dskd, lite': { method: 'dskd', options: { preset: 'lite', ...short }, input: { size: [32, 32] } },
  'dskd, blocks of the preset paper': {
    method: 'dskd',
    options: {
      ...dskd,
      preset: 'paper',
      architecture: { ...tiny, decoderWidths: [40, 80, 160] },
      gccb: { channels: 8 },
    },
    input,
  },
  ...Object.fromEntries(
    ['full', 'depthwise', 'pool', 'pyramid', 'none'].map((variant) => [
      `dskd, GCCB ${variant}`,
      { method: 'dskd', options: { ...dskd, gccb: { variant, channels: 4 } }, input },
    ]),
  ),
  'contextual affinity at a low temperature': {
    method: 'dskd',
    options: withObjective('contextualAffinity', { temperature: 0.02 }),
    input,
  },
  'covariance affinity': { method: 'dskd', options: withObjective('covarianceAffinity', {}), input },
  'squared distance of unit vectors': {
    method: 'dskd',
    options: withObjective('squaredUnitDistance', {}, 'local'),
    input,
  },
  'cosine and error': {
    method: 'dskd',
    options: withObjective('cosineAndError', { lambda: 0.5 }, 'local'),
    input,
  },
  'dskd, sides that are odd at every level': { method: 'dskd', options: dskd, input: { size: [50, 74] } },
  'dskd, a letterbox': { method: 'dskd', options: dskd, input: { ...input, fit: 'letterbox' } },
  'dskd, tiles': {
    method: 'dskd',
    options: dskd,
    input: { size: [64, 96], tiles: { size: 64, overlap: 16 } },
  },
  rd: { method: 'rd', options: dskd, input },
  stfpm: { method: 'stfpm', options: short, input },
  mkd: { method: 'mkd', options: short, input },
  ae: { method: 'ae', options: short, input },
  vae: { method: 'vae', options: short, input },
  'ae-ssim': { method: 'ae-ssim', options: short, input },
  mnad: { method: 'mnad', options: short, input },
  gcad: { method: 'gcad', options: { epochs: 3, fadeEpochs: 1, globalFrom: 1 }, input },
  fanogan: { method: 'fanogan', options: { epochs: 2, encoderFrom: 1 }, input },
  efficientad: { method: 'efficientad', options: { epochs: 1 }, input },
  us: { method: 'us', options: { epochs: 1 }, input },
};

test.each(Object.entries(CASES))(
  '%s: ONNX Runtime predicts what the detector predicts',
  async (_, options) => {
    const { detector, onnx } = await exportedThroughFiles(options);
    await expectSamePredictions(detector, onnx);
  },
);

test('the branch of instant that counts pieces, which loops until nothing changes', async () => {
  // Four bright bars on dark ground, everywhere another place.
  const bars = (seed: number, count = 4): PixelBuffer => {
    const random = randomStream(seed, 'bars');
    const data = new Uint8Array(128 * 128 * 3).map(() => 40 + Math.round(10 * random.uniform()));
    for (let bar = 0; bar < count; bar++) {
      const [top, left] = [8 + 30 * bar + random.integer(8), 8 + random.integer(80)];
      for (let y = top; y < top + 8; y++) data.fill(220, 3 * (y * 128 + left), 3 * (y * 128 + left + 24));
    }
    return { data, width: 128, height: 128, channels: 3 };
  };
  const { detector, onnx } = await exportedThroughFiles(
    { method: 'instant', input: { size: [128, 128] } },
    {},
    Array.from({ length: 30 }, (_, seed) => bars(seed)),
  );
  expect(detector.model.branches.map(({ name }) => name)).toContain('pieces');
  const images = [bars(100), bars(101), bars(102, 3), bars(103, 2)];
  expect(await comparePredictors(detector, onnx, images)).toMatchObject({ images: 4, equal: true });
  const [whole, missing] = await onnx.predict([images[0]!, images[2]!]);
  expect(missing!.branches.pieces!.score).toBeGreaterThan(2 + whole!.branches.pieces!.score);
  detector.dispose();
  onnx.dispose();
});

test('puad: as near as a Gaussian of seven images is to itself', async () => {
  const { detector, onnx } = await exportedThroughFiles({ method: 'puad', options: { epochs: 1 }, input });
  const { score, map, verdicts, regions } = await comparePredictors(detector, onnx, TEST_IMAGES);
  expect({ verdicts, regions }).toEqual({ verdicts: 0, regions: 0 });
  expect(map).toBeLessThan(1e-4);
  // Its deviations are down to 1e-3, and the features it measures are rounded to 1e-7: one part in ten thousand.
  expect(score).toBeLessThan(5e-4);
  detector.dispose();
  onnx.dispose();
});

test('over 90 images the AUROC of the export is that of the detector', async () => {
  const { detector, onnx } = await exportedThroughFiles({ method: 'instant', input });
  const badness = Array.from({ length: 90 }, (_, index) => (index < 45 ? 0 : (0.25 * (index - 44)) / 45));
  const images = badness.map((each, index) => smallImage(1000 + index, each));
  const isAnomalous = badness.map((each) => each > 0);
  const [wanted, got] = await Promise.all(
    [detector, onnx].map(async (each) =>
      auroc(
        (await each.predict(images)).map(({ score }) => score),
        isAnomalous,
      ),
    ),
  );
  expect(Math.abs(wanted! - got!)).toBeLessThan(1e-3);
  // Neither easy nor left to chance: a score that is wrong would move it.
  expect(wanted).toBeGreaterThan(0.6);
  expect(wanted).toBeLessThan(1);
  detector.dispose();
  onnx.dispose();
});
