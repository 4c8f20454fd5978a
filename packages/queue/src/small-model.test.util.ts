import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { randomStream, type PixelBuffer } from '@dskd/base';
import { sourceOf, type Sample } from '@dskd/data';
import { encodeImage } from '@dskd/data/node';
import { trainDetector } from '@dskd/detector';
import { loadTeacher } from '@dskd/models';
import { teacherTiny } from '@dskd/teacher-tiny';
import { useBackend } from '@dskd/test-support';

/** A noisy square; of a bad one a corner is dark. */
function smallImage(seed: number, isBad: boolean): PixelBuffer {
  const random = randomStream(seed, 'small image');
  const data = new Uint8Array(48 * 48 * 3);
  for (let at = 0; at < 48 * 48; at++) {
    const [x, y] = [at % 48, Math.floor(at / 48)];
    const base = isBad && x < 14 && y < 14 ? 10 : x > 14 && x < 34 && y > 14 && y < 34 ? 200 : 110;
    data.fill(Math.round(base + 20 * random.uniform()), at * 3, at * 3 + 3);
  }
  return { data, width: 48, height: 48, channels: 3 };
}

/**
 * The bytes of a detector.
 * @param size of its input, which says how long an image takes.
 */
export async function smallModel(size: readonly [number, number] = [32, 32]): Promise<Uint8Array> {
  await useBackend('wasm');
  const samples = Array.from(
    { length: 8 },
    (_, index): Sample => ({
      id: `train/good/${index}.png`,
      split: 'train',
      label: 'good',
      defectType: 'good',
      load: () => Promise.resolve(smallImage(index, false)),
    }),
  );
  const tiny = teacherTiny();
  const teacher = await loadTeacher(tiny.name, await tiny.load());
  const detector = await trainDetector({
    source: sourceOf('small', samples),
    teacher,
    seed: 1,
    input: { size },
    options: { local: { coreset: { count: 20 } }, global: { components: 2 } },
  });
  const bytes = detector.save();
  detector.dispose();
  teacher.dispose();
  return bytes;
}

/** Writes images, every third one of a bad part. @returns their paths. */
export async function writeSmallImages(folder: string, count: number): Promise<string[]> {
  const files: string[] = [];
  for (let index = 0; index < count; index++) {
    const file = path.join(folder, `${String(index).padStart(4, '0')}.png`);
    await writeFile(file, await encodeImage(smallImage(100 + index, index % 3 === 0)));
    files.push(file);
  }
  return files;
}
