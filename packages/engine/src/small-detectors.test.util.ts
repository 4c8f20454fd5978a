import { randomStream, type PixelBuffer } from '@dskd/base';
import { sourceOf, type Sample } from '@dskd/data';
import { trainDetector, type SaveOptions, type TrainDetectorOptions } from '@dskd/detector';
import { loadTeacher } from '@dskd/models';
import { teacherTiny } from '@dskd/teacher-tiny';

/** A noisy part in the middle of an image that is wider than high; of a bad one a corner is dark. */
export function smallImage(seed: number, isBad = false): PixelBuffer {
  const [height, width] = [60, 90];
  const random = randomStream(seed, 'small image');
  const data = new Uint8Array(height * width * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const isPart = Math.abs(y - height / 2) < height / 4 && Math.abs(x - width / 2) < width / 4;
      const base = isBad && y < 20 && x < 30 ? 20 : isPart ? 200 : 110;
      const value = Math.round(base + 20 * random.uniform());
      data.fill(value, (y * width + x) * 3, (y * width + x + 1) * 3);
    }
  }
  return { data, width, height, channels: 3 };
}

/** Half of them are bad. */
export const TEST_IMAGES: readonly PixelBuffer[] = Array.from({ length: 8 }, (_, index) =>
  smallImage(100 + index, index % 2 === 1),
);

/** Trains on eight good images, with the teacher-tiny. Returns the bytes of the file. */
export async function smallFile(
  options: Omit<TrainDetectorOptions, 'source' | 'teacher' | 'seed'>,
  saving: SaveOptions = {},
): Promise<Uint8Array> {
  const samples = Array.from(
    { length: 8 },
    (_, index): Sample => ({
      id: `train/good/${index}.png`,
      split: 'train',
      label: 'good',
      defectType: 'good',
      load: () => Promise.resolve(smallImage(index)),
    }),
  );
  const tiny = teacherTiny();
  const teacher = await loadTeacher(tiny.name, await tiny.load());
  try {
    const detector = await trainDetector({
      source: sourceOf('small', samples),
      teacher,
      seed: 1,
      ...options,
    });
    const bytes = detector.save(saving);
    detector.dispose();
    return bytes;
  } finally {
    teacher.dispose();
  }
}
