import '@tensorflow/tfjs';
import type { DskdEvent, PixelBuffer } from '@dskd/base';
import type { ImageSource, LoadOptions, Sample } from '@dskd/data';
import { useBackend } from '@dskd/test-support';
import { loadDetector } from '../artifact/load-detector.js';
import { recalibrate } from '../calibration/recalibrate.js';
import { evaluateDetector } from '../evaluation/evaluate-detector.js';
import type { Detector } from '../inference/detector.js';
import { tinySource } from '../tiny-world.test.util.js';
import { trainDetector } from './train-detector.js';
import type { InputOptions } from './training-options.js';

beforeAll(() => useBackend('wasm'));

/** A stored value of a thermal camera: 21000 to 21120 of 65535. */
const storedValue = (byte: number): number => 21_000 + Math.round((byte * 120) / 255);

async function thermal(sample: Sample, { intensityRange, onFacts }: LoadOptions = {}): Promise<PixelBuffer> {
  const image = await sample.load();
  const values = [...image.data].map(storedValue);
  onFacts?.({ bits: 16, values: [Math.min(...values), Math.max(...values)], droppedBands: 0 });
  const [low, high] = intensityRange ?? [0, 65_535];
  const data = Uint8ClampedArray.from(values, (value) => ((value - low) * 255) / (high - low));
  return { ...image, data, ...(intensityRange && { intensityRange }) };
}

/** The images of {@link tinySource} as a thermal camera would have stored them. */
function thermalSource(): ImageSource {
  const { samples, ...rest } = tinySource();
  return {
    ...rest,
    samples: samples.map((sample) => ({ ...sample, load: (options) => thermal(sample, options) })),
  };
}

function trained(
  input: InputOptions,
  { source = thermalSource(), onEvent }: { source?: ImageSource; onEvent?: (event: DskdEvent) => void } = {},
): Promise<Detector> {
  return trainDetector({
    source,
    method: 'vm',
    options: { align: 'none' },
    input: { size: [32, 32], ...input },
    calibration: { holdOutFraction: 0.3 },
    onEvent,
  });
}

test('auto: from the training images; kept in the file and used by everything that reads images', async () => {
  const events: DskdEvent[] = [];
  const source = thermalSource();
  const detector = await trained({ intensityRange: 'auto' }, { onEvent: (event) => events.push(event) });
  const loaded = await loadDetector(detector.save());
  try {
    const range = detector.intensityRange!;
    // Good images have values from 21060 to 21113, and the range half of that more on both sides.
    expect(range).toEqual([21_033, 21_140]);
    expect(loaded.intensityRange).toEqual(range);
    expect(events.filter(({ type }) => type === 'warning')).toEqual([]);

    expect((await evaluateDetector(loaded, source)).fused.imageAuroc).toBe(1);
    expect((await recalibrate(loaded, source)).threshold).toBeGreaterThan(0);
    const bad = source.samples.at(-1)!;
    const mapped = await bad.load({ intensityRange: range });
    expect((await detector.predict(mapped)).verdict).toBe('anomalous');
    await expect(detector.predict(await bad.load())).rejects.toMatchObject({
      code: 'invalid-argument',
      message: `Got an image with no intensity range; wanted ${range.join(':')}.`,
    });
  } finally {
    detector.dispose();
    loaded.dispose();
  }
});

test('without a range the training warns, and names one that keeps the levels apart', async () => {
  const messages: string[] = [];
  const training = trained(
    {},
    { onEvent: (event) => event.type === 'warning' && messages.push(event.message) },
  );
  // All images are of one level, about which the method may complain as well.
  await training.then(
    (detector) => {
      detector.dispose();
    },
    () => undefined,
  );
  expect(messages[0]).toMatch(
    /^all \d images have 16 bits with values from 21060 to 21113, of which the upper 8 bits have at most 1 of 256 gray levels: .*Train with the intensity range auto, or 21033:21140\.$/,
  );
});

test('auto needs images of 16 bits; a range needs images that have it', async () => {
  const source = tinySource();
  await expect(trained({ intensityRange: 'auto' }, { source })).rejects.toMatchObject({
    code: 'invalid-argument',
    message: "Got the intensity range 'auto', but none of the training images has 16 bits.",
  });
  await expect(trained({ intensityRange: [5, 9] }, { source })).rejects.toThrow(
    'no intensity range; wanted 5:9',
  );
  await expect(trained({ intensityRange: [9, 5] }, { source })).rejects.toThrow('the lower one first');
});

test('training images without content: a warning that names them', async () => {
  const { samples, ...rest } = tinySource();
  const blank: PixelBuffer = {
    data: new Uint8Array(40 * 40 * 3).fill(7),
    width: 40,
    height: 40,
    channels: 3,
  };
  const messages: string[] = [];
  const training = trained(
    {},
    {
      source: {
        ...rest,
        samples: samples.map((sample) => ({ ...sample, load: () => Promise.resolve(blank) })),
      },
      onEvent: (event) => event.type === 'warning' && messages.push(event.message),
    },
  );
  await training.then(
    (detector) => {
      detector.dispose();
    },
    () => undefined,
  );
  expect(messages[0]).toMatch(/^all \d images have no content, all pixels of each are alike: train\/good\//);
});
