import '@tensorflow/tfjs';
import { randomStream, type PixelBuffer } from '@dskd/base';
import { sourceOf, type ImageSource, type Sample } from '@dskd/data';
import { TRAINING_DEFAULTS } from '@dskd/methods';
import type { Teacher } from '@dskd/models';
import { describeBackends } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import fc from 'fast-check';
import { readArtifact, writeArtifact } from '../artifact/artifact.js';
import { loadDetector } from '../artifact/load-detector.js';
import { recalibrate } from '../calibration/recalibrate.js';
import { combineDetectors } from '../training/combine-detectors.js';
import { trainDetector } from '../training/train-detector.js';
import type { TrainDetectorOptions } from '../training/training-options.js';
import { tinyOptions, tinySource, tinyTeacher, type TinyChanges } from '../tiny-world.test.util.js';
import type { Detector } from './detector.js';

/** As wide and high as the network's input and larger: each pixel of the input is a mean of the image's. */
const SIDE = 40;
const AREA = { left: 4, top: 8, width: 16, height: 20 };

const isIn = (x: number, y: number, { left, top, width, height }: typeof AREA): boolean =>
  x >= left && x < left + width && y >= top && y < top + height;

/** The ignored area in the image's own pixels. */
const ignored: PixelBuffer = {
  data: Uint8Array.from({ length: SIDE * SIDE }, (_, at) =>
    isIn(at % SIDE, Math.floor(at / SIDE), AREA) ? 1 : 0,
  ),
  width: SIDE,
  height: SIDE,
  channels: 1,
};

/** Further inside than the filter of the resize reaches: two pixels of the network's input, which are 2.5 of the image. */
const INSIDE = { left: AREA.left + 3, top: AREA.top + 3, width: AREA.width - 6, height: AREA.height - 6 };

/** An image with noise painted into the ignored area. */
function painted(image: PixelBuffer, seed: number): PixelBuffer {
  const random = randomStream(seed, 'painted');
  const data = image.data.slice();
  for (let at = 0; at < SIDE * SIDE; at++) {
    if (!isIn(at % SIDE, Math.floor(at / SIDE), INSIDE)) continue;
    for (let channel = 0; channel < 3; channel++) data[at * 3 + channel] = Math.floor(256 * random.uniform());
  }
  return { ...image, data };
}

/** The tiny source with other noise in the ignored area of each image. */
function paintedSource(seed: number): ImageSource {
  const samples = tinySource().samples.map(
    (sample, index): Sample => ({
      ...sample,
      load: async () => painted(await sample.load(), seed + index),
    }),
  );
  return { ...tinySource(), samples };
}

async function testImages(): Promise<PixelBuffer[]> {
  const tests = tinySource().samples.filter(({ split }) => split === 'test');
  return Promise.all(tests.map((sample) => sample.load()));
}

type Options = Omit<TrainDetectorOptions, 'source' | 'teacher'>;

const input = { size: [32, 32], ignored } as const;
/** Small, and with a branch of every kind: places, subspaces, pooled features, whole images. */
const METHODS: Readonly<Record<string, Options>> = {
  instant: {
    method: 'instant',
    options: {
      local: { coreset: { count: 30 }, projection: 16 },
      global: { levels: [3] },
      pooled: { levels: [1], pooling: 'mean' },
    },
    input,
  },
  'instant in tiles': {
    method: 'instant',
    options: {
      local: { coreset: { count: 30 }, projection: 16 },
      global: { levels: [3] },
      pooled: { levels: [1], pooling: 'mean' },
    },
    input: { size: [48, 48], tiles: { size: 32, overlap: 16 }, ignored },
  },
  'instant in a letterbox, varied': {
    method: 'instant',
    options: {
      local: { coreset: { count: 30 }, projection: 16 },
      global: { levels: [3] },
      pooled: { levels: [1], pooling: 'mean' },
    },
    input: {
      size: [32, 48],
      fit: 'letterbox',
      fill: [10, 20, 30],
      augmentation: { rotation: { degrees: 5 }, colorJitter: { contrast: 0.2 } },
      copies: 1,
      ignored,
    },
  },
  gaussian: { method: 'gaussian', options: { levels: [1], pooling: 'mean' }, input },
  fre: { method: 'fre', options: { components: 2 }, input },
  padim: { method: 'padim', options: { channels: 8 }, input },
  patchcore: { method: 'patchcore', options: { coreset: { count: 30 } }, input },
  spade: { method: 'spade', options: {}, input },
};

/** On cpu and on the software driver of webgpu each takes long. What is hidden is hidden before any method and any backend. */
const SOME: Readonly<Record<string, ReadonlySet<string>>> = {
  cpu: new Set(['gaussian']),
  webgpu: new Set(['gaussian', 'padim']),
};
/** Those whose every branch can learn further images. */
const LEARNING = new Set(['instant', 'gaussian', 'fre', 'patchcore']);

const fitting = { calibration: { holdOutFraction: 0.3, falseAlarmRate: 0.3 }, seed: 3 } as const;

describeBackends(
  'ignored areas',
  (backend) => {
    let teacher: Teacher;
    beforeAll(() => {
      if (backend === 'wasm') registerWasmGradients();
      teacher = tinyTeacher(undefined, 'teacher-tiny');
    });
    afterAll(() => teacher.dispose());

    const trained = (options: Options, source: ImageSource): Promise<Detector> =>
      trainDetector({ source, teacher, ...fitting, ...options });

    test.each(Object.entries(METHODS).filter(([name]) => SOME[backend]?.has(name) ?? true))(
      '%s: noise in the area changes no bit of what is learned and no score, learned further, calibrated again and loaded',
      async (_, options) => {
        const images = await testImages();
        const detector = await trained(options, tinySource());
        const other = await trained(options, paintedSource(50));
        expect(detector.description.cover).toEqual(options.input?.fill ?? [124, 116, 104]);
        expect(Buffer.compare(other.save(), detector.save())).toBe(0);
        await fc.assert(
          fc.asyncProperty(fc.nat(1_000_000), async (seed) => {
            const noisy = images.map((image, index) => painted(image, seed + index));
            expect(await detector.predict(noisy)).toEqual(await detector.predict(images));
          }),
          { numRuns: 3 },
        );
        if (LEARNING.has(options.method!)) {
          await detector.extend(sourceOf('lesson', lessonOf(images.slice(0, 2), 0)));
          await other.extend(sourceOf('lesson', lessonOf(images.slice(0, 2), 7)));
          expect(other.description.lessons![0]!.imageHashes).toEqual(
            detector.description.lessons![0]!.imageHashes,
          );
        }
        if (detector.model.keepsPatches) {
          const regions = (await detector.predict(images[4]!, { threshold: -1 })).regions;
          expect(await other.explain(painted(images[4]!, 9), regions)).toEqual(
            await detector.explain(images[4]!, regions),
          );
        }
        await recalibrate(detector, tinySource(), { falseAlarmRate: 0.2 });
        await recalibrate(other, paintedSource(90), { falseAlarmRate: 0.2 });
        const loaded = await loadDetector(other.save());
        expect(await loaded.predict(images.map((image) => painted(image, 5)))).toEqual(
          await detector.predict(images),
        );
        for (const each of [detector, other, loaded]) each.dispose();
      },
    );

    (backend === 'wasm' ? test : test.skip)(
      'students: noise in the area changes no bit of what is trained, together, or apart and then joined',
      async () => {
        const changes: TinyChanges = { ignored, epochs: 1 };
        const together = await trainDetector(tinyOptions(teacher, changes));
        const source = paintedSource(50);
        const apart: Detector[] = [];
        for (const name of ['local', 'global'] as const) {
          const branches = { [name]: TRAINING_DEFAULTS.dskd.branches[name] };
          apart.push(await trainDetector(tinyOptions(teacher, { ...changes, branches, source })));
        }
        const joined = await combineDetectors(apart, { source });
        const images = await testImages();
        expect(await joined.predict(images.map((image) => painted(image, 3)))).toEqual(
          await together.predict(images),
        );
        for (const each of [together, joined, ...apart]) each.dispose();
      },
    );

    /** The images as a lesson, painted with noise unless the seed is 0. */
    function lessonOf(images: readonly PixelBuffer[], seed: number): Sample[] {
      return images.map((image, index) => ({
        id: `${index}`,
        split: 'train',
        label: 'good',
        defectType: 'good',
        load: () => Promise.resolve(seed === 0 ? image : painted(image, seed + index)),
        // Names of files do not count, their bytes would.
        origin: { path: `${index}`, sha256: `${index}`.repeat(64) },
      }));
    }

    test('a file of an earlier version, which has no cover, scores as it did: the network sees the area', async () => {
      const images = await testImages();
      const detector = await trained(METHODS.gaussian!, tinySource());
      const { cover, ...before } = detector.description;
      expect(cover).toBeDefined();
      const { tensors } = readArtifact(detector.save());
      const loaded = await loadDetector(writeArtifact({ description: before, tensors }));
      expect(loaded.description.cover).toBeUndefined();
      const [plain, noisy] = await loaded.predict([images[0]!, painted(images[0]!, 1)]);
      expect(noisy!.score).not.toBe(plain!.score);
      for (const each of [detector, loaded]) each.dispose();
    });
  },
  { cpu: 'slow' },
);
