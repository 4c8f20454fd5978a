import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { randomStream, type PixelBuffer } from '@dskd/base';
import type { ImageSource, Sample } from '@dskd/data';
import { loadDetector, trainDetector, type Detector, type TrainDetectorOptions } from '@dskd/detector';
import { loadTeacher, type Teacher } from '@dskd/models';
import { teacherTiny } from '@dskd/teacher-tiny';
import { comparePredictors } from './compare-predictors.js';
import { exportDetector, type ExportOptions } from './export-detector.js';
import { loadOnnxDetector, type OnnxDetector } from './runtime/index.js';

/**
 * A noisy part in the middle of an image that is wider than high; of a bad one a corner is darker.
 * @param badness 0 to 1, how dark.
 */
export function smallImage(
  seed: number,
  badness = 0,
  [height, width]: readonly [number, number] = [60, 90],
): PixelBuffer {
  const random = randomStream(seed, 'small image');
  const data = new Uint8Array(height * width * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const isPart = Math.abs(y - height / 2) < height / 4 && Math.abs(x - width / 2) < width / 4;
      const isDefect = y < height / 3 && x < width / 3;
      const base = isPart ? [220, 180, 60] : [90, 120, 160];
      const light = isDefect ? 1 - 0.9 * badness : 1;
      for (let channel = 0; channel < 3; channel++) {
        data[(y * width + x) * 3 + channel] = Math.round(light * base[channel]! + 20 * random.uniform());
      }
    }
  }
  return { data, width, height, channels: 3 };
}

/** Good images to learn. */
export function sourceOf(images: readonly PixelBuffer[]): ImageSource {
  const samples = images.map(
    (image, index): Sample => ({
      id: `train/good/${index}.png`,
      split: 'train',
      label: 'good',
      defectType: 'good',
      load: () => Promise.resolve(image),
    }),
  );
  return { name: 'small', samples, fingerprint: () => Promise.resolve('0'.repeat(64)) };
}

/** Good and bad images that were not learned, also of other proportions. */
export const TEST_IMAGES: readonly PixelBuffer[] = [
  ...Array.from({ length: 4 }, (_, index) => smallImage(100 + index)),
  ...Array.from({ length: 4 }, (_, index) => smallImage(200 + index, 1)),
];

export async function embeddedTeacher(): Promise<Teacher> {
  const embedded = teacherTiny();
  return loadTeacher(embedded.name, await embedded.load());
}

type Options = Omit<TrainDetectorOptions, 'source' | 'teacher'>;

/**
 * Trains, and loads what was saved and what was exported from files, as a user does. The caller disposes both.
 * @param images to learn. Default: eight small ones.
 */
export async function exportedThroughFiles(
  options: Options,
  exporting: ExportOptions = {},
  images: readonly PixelBuffer[] = Array.from({ length: 8 }, (_, index) => smallImage(index)),
): Promise<{ readonly detector: Detector; readonly onnx: OnnxDetector; readonly bytes: Uint8Array }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dskd-onnx-'));
  const teacher = await embeddedTeacher();
  try {
    const trained = await trainDetector({
      source: sourceOf(images),
      teacher,
      seed: 1,
      ...options,
    });
    await writeFile(path.join(folder, 'part.dskd'), trained.save());
    trained.dispose();
    const detector = await loadDetector(await readFile(path.join(folder, 'part.dskd')));
    const file = path.join(folder, 'part.onnx');
    await writeFile(file, await exportDetector(detector, exporting));
    const bytes = await readFile(file);
    return { detector, onnx: await loadOnnxDetector(bytes), bytes };
  } finally {
    teacher.dispose();
    await rm(folder, { recursive: true });
  }
}

/** Pixels of the upper left quarter do not count. */
export const corner = (height: number, width: number): Uint8Array =>
  Uint8Array.from({ length: height * width }, (_, at) =>
    at < (height * width) / 2 && at % width < width / 2 ? 1 : 0,
  );

/** Compares the predictions of both for single images and for a batch, and disposes both. */
export async function expectSamePredictions(detector: Detector, onnx: OnnxDetector): Promise<void> {
  const images = [...TEST_IMAGES, smallImage(9, 1, [33, 40])];
  const comparison = await comparePredictors(detector, onnx, images);
  expect(comparison).toMatchObject({ images: 9, verdicts: 0, regions: 0, equal: true });
  const wanted = await detector.predict(images.slice(0, 7));
  const together = await onnx.predict(images.slice(0, 7), { batchSize: 7 });
  together.forEach(({ score, verdict }, index) => {
    const own = wanted[index]!;
    expect(Math.abs(score - own.score) / Math.max(1, Math.abs(own.score))).toBeLessThanOrEqual(
      comparison.tolerance,
    );
    expect(verdict).toBe(own.verdict);
  });
  detector.dispose();
  onnx.dispose();
}
