import '@tensorflow/tfjs';
import { sourceOf } from '@dskd/data';
import type { Teacher } from '@dskd/models';
import { expectNoNewTensors, useBackend } from '@dskd/test-support';
import { fixtureBytes, fixtureImage, fixtureTeacher } from '../artifact/older-formats.test.util.js';
import { loadDetector } from '../artifact/load-detector.js';
import { chooseThreshold } from '../calibration/choose-threshold.js';
import { recalibrate } from '../calibration/recalibrate.js';
import { evaluateDetector } from '../evaluation/evaluate-detector.js';
import { estimateTraining } from '../training/estimate-training.js';
import { combineDetectors } from '../training/combine-detectors.js';
import { trainDetector } from '../training/train-detector.js';
import type { PredictOptions } from './arguments.js';
import type { Detector } from './detector.js';

let teacher: Teacher;
let detector: Detector;
beforeAll(async () => {
  await useBackend('wasm');
  teacher = fixtureTeacher();
  detector = await loadDetector(fixtureBytes(1), { teacher });
});
afterAll(() => {
  detector.dispose();
  teacher.dispose();
});

const image = fixtureImage(7, false);
const drain = async (images: AsyncIterable<unknown>): Promise<void> => {
  for await (const _ of images);
};

/** The refusal of anything, as a program without types hands it over. */
async function refusalOf(call: (value: never) => unknown, value: unknown): Promise<unknown> {
  return expectNoNewTensors(async () => {
    try {
      await call(value as never);
    } catch (error) {
      return error;
    }
    throw new Error('It was taken.');
  });
}

const matching = (text: string): string => expect.stringContaining(text) as string;

test.each<[string, unknown, string]>([
  ['a path', 'part.png', 'Got the string "part.png" as an image'],
  ['encoded bytes', Buffer.from('png'), 'Got a Buffer of 3 elements as an image'],
  ['nothing', undefined, 'Got undefined as an image'],
  ['null', null, 'Got null as an image'],
  ['an array of paths', ['part.png'], 'Got the string "part.png" as an image'],
  ['bytes in an array', [Buffer.from('png')], 'Got a Buffer of 3 elements as an image'],
  ['an object', { path: 'part.png' }, 'Got an object with path as an image'],
  ['a URL', new URL('file:///part.png'), 'Got an object of the class URL as an image'],
  ['floats without pixels', { ...image, data: new Float32Array(0) }, 'Got an image of Float32Array'],
  ['bytes without pixels', { ...image, data: new Uint8Array(0) }, 'Got a pixel buffer of 0 bytes'],
  ['no size', { data: image.data, channels: 3 }, 'Got an object with data, channels as an image'],
])('predict and predictEach refuse %s in place of an image', async (_, value, message) => {
  const wanted = { code: 'invalid-argument', message: matching(message) };
  expect(await refusalOf((given) => detector.predict(given), value)).toMatchObject(wanted);
  if (Array.isArray(value)) return;
  expect(await refusalOf((given) => drain(detector.predictEach([given])), value)).toMatchObject(wanted);
  expect(await refusalOf((given) => detector.predict([image, given]), value)).toMatchObject(wanted);
});

test('the hint names what reads files', async () => {
  for (const value of ['part.png', Buffer.from('png')]) {
    expect(await refusalOf((given) => detector.predict(given), value)).toMatchObject({
      hint: matching('decodeImage of @dskd/data/node reads a file or its bytes'),
    });
  }
});

test('another number of channels is refused by it', async () => {
  const two = { ...image, data: new Uint8Array(32 * 32 * 2), channels: 2 };
  expect(await refusalOf((given) => detector.predict(given), two)).toMatchObject({
    code: 'shape-mismatch',
    message: 'Got an image of 2 channels; wanted 1, 3 or 4.',
  });
});

test.each<[PredictOptions, string]>([
  [{ threshold: Number.NaN }, 'Got threshold NaN, wanted a finite number.'],
  [{ threshold: Infinity }, 'Got threshold Infinity'],
  [{ threshold: '3' as unknown as number }, 'Got threshold the string "3"'],
  [{ threshold: null as unknown as number }, 'Got threshold null'],
  [{ minArea: Number.NaN }, 'Got minArea NaN, wanted pixels, 0 or more.'],
  [{ minArea: -1 }, 'Got minArea -1'],
  [{ batchSize: 0 }, 'Got batchSize 0, wanted a positive integer.'],
  [{ batchSize: 1.5 }, 'Got batchSize 1.5'],
])('predict refuses %p', async (options, message) => {
  const wanted = { code: 'invalid-argument', message: matching(message) };
  expect(await refusalOf(() => detector.predict(image, options), undefined)).toMatchObject(wanted);
  expect(await refusalOf(() => detector.predict([], options), undefined)).toMatchObject(wanted);
});

test.each([['part.png'], [Buffer.from('png')], [undefined], [7], [{ ...image }]])(
  'predictEach refuses %p in place of images',
  async (value) => {
    expect(await refusalOf((given) => drain(detector.predictEach(given)), value)).toMatchObject({
      code: 'invalid-argument',
      message: matching('as images of predictEach; wanted images, one after another.'),
    });
  },
);

const SOURCES: [string, (source: never) => unknown][] = [
  ['trainDetector', (source) => trainDetector({ source })],
  ['estimateTraining', (source) => estimateTraining({ source })],
  ['recalibrate', (source) => recalibrate(detector, source)],
  ['chooseThreshold', (source) => chooseThreshold(detector, source)],
  ['evaluateDetector', (source) => evaluateDetector(detector, source)],
  ['combineDetectors', (source) => combineDetectors([detector, detector], { source })],
];
test.each(SOURCES)('%s refuses a path in place of a source, and names what opens it', async (_, call) => {
  for (const [value, got] of [
    ['good-parts/', 'the string "good-parts/"'],
    [undefined, 'undefined'],
    [{ samples: 3 }, 'an object with samples'],
  ] as const) {
    const error = await refusalOf(call, value);
    expect(error).toMatchObject({
      code: 'invalid-argument',
      message: matching(`Got ${got} as `),
      hint: matching('openSource of @dskd/data/node opens a folder'),
    });
  }
});

test('trainDetector without options, or with a side in place of a size', async () => {
  expect(await refusalOf(trainDetector, undefined)).toMatchObject({ code: 'invalid-argument' });
  const source = sourceOf('empty', []);
  for (const [size, got] of [
    [256, '256'],
    [[256], '[256]'],
    [[0, 256], '[0,256]'],
    ['256', 'the string "256"'],
  ] as const) {
    expect(
      await refusalOf((input) => trainDetector({ source, method: 'vm', input }), { size }),
    ).toMatchObject({
      code: 'invalid-argument',
      message: `Got ${got} as input.size; wanted [height, width].`,
    });
  }
});

test.each([['model.safetensors'], [undefined], [{}], [new ArrayBuffer(8)]])(
  'loadDetector refuses %p in place of bytes',
  async (value) => {
    for (const call of [loadDetector, (given: never) => loadDetector([given])]) {
      expect(await refusalOf(call, value)).toMatchObject({
        code: 'invalid-argument',
        message: matching('as a detector; wanted the bytes of its file, or a URL.'),
        hint: matching('loadDetector(await readFile(path))'),
      });
    }
  },
);
