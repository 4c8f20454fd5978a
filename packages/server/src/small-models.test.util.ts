import { randomStream, type PixelBuffer } from '@dskd/base';
import { sourceOf, type Sample } from '@dskd/data';
import { encodeImage } from '@dskd/data/node';
import { trainDetector, type Detector } from '@dskd/detector';
import { loadTeacher } from '@dskd/models';
import { teacherTiny } from '@dskd/teacher-tiny';
import { useBackend } from '@dskd/test-support';
import { registerWasmGradients } from '@dskd/wasm-gradients';

/** A noisy part in the middle of an image; of a bad one a corner is dark. */
export function smallImage(seed: number, isBad = false, brightness = 110): PixelBuffer {
  const [height, width] = [60, 90];
  const random = randomStream(seed, 'small image');
  const data = new Uint8Array(height * width * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const isPart = Math.abs(y - height / 2) < height / 4 && Math.abs(x - width / 2) < width / 4;
      const base = isBad && y < 20 && x < 30 ? 20 : isPart ? 200 : brightness;
      data.fill(Math.round(base + 20 * random.uniform()), (y * width + x) * 3, (y * width + x + 1) * 3);
    }
  }
  return { data, width, height, channels: 3 };
}

/** PNG files of {@link smallImage}. */
export const GOOD = await encodeImage(smallImage(100));
export const BAD = await encodeImage(smallImage(101, true));

/** Trains on eight good images, on wasm. The caller disposes the detector. */
export async function smallDetector(brightness?: number): Promise<Detector> {
  await useBackend('wasm');
  registerWasmGradients();
  const samples = Array.from(
    { length: 8 },
    (_, index): Sample => ({
      id: `train/good/${index}.png`,
      split: 'train',
      label: 'good',
      defectType: 'good',
      load: () => Promise.resolve(smallImage(index, false, brightness)),
    }),
  );
  const tiny = teacherTiny();
  const teacher = await loadTeacher(tiny.name, await tiny.load());
  try {
    return await trainDetector({
      source: sourceOf('small', samples),
      teacher,
      seed: 1,
      method: 'instant',
      input: { size: [50, 74] },
    });
  } finally {
    teacher.dispose();
  }
}

/** The bytes of the file of {@link smallDetector}. */
export async function smallFile(brightness?: number): Promise<Uint8Array<ArrayBuffer>> {
  const detector = await smallDetector(brightness);
  const bytes = new Uint8Array(detector.save());
  detector.dispose();
  return bytes;
}
