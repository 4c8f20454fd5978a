import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { randomStream, type PixelBuffer } from '@dskd/base';
import { encodeImage } from '@dskd/data/node';
import { backboneInfo } from '@dskd/models';
import { integerFill } from '@dskd/test-support';
import { writeSafetensors, type StateDict } from '@dskd/weights';

const SIDE = 40;

function image(seed: number, faulty: boolean): PixelBuffer {
  const random = randomStream(seed, 'image');
  const data = new Uint8Array(SIDE * SIDE * 3);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const base = faulty && x < 12 && y < 12 ? 0 : x > 12 && x < 28 && y > 12 && y < 28 ? 220 : 128;
      data.fill(base + 20 * random.uniform(), (y * SIDE + x) * 3, (y * SIDE + x) * 3 + 3);
    }
  }
  return { data, width: SIDE, height: SIDE, channels: 3 };
}

async function write(file: string, pixels: PixelBuffer): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, await encodeImage(pixels));
}

/** A category in the MVTec AD layout: 8 good images to train on, 2 good and 2 faulty ones to test with. */
export async function writeDataset(folder: string): Promise<void> {
  for (let i = 0; i < 8; i++) await write(path.join(folder, `train/good/00${i}.png`), image(i, false));
  for (let i = 0; i < 2; i++) {
    await write(path.join(folder, `test/good/00${i}.png`), image(100 + i, false));
    await write(path.join(folder, `test/spot/00${i}.png`), image(200 + i, true));
    const mask = new Uint8Array(SIDE * SIDE);
    for (let y = 0; y < 12; y++) mask.fill(255, y * SIDE, y * SIDE + 12);
    await write(path.join(folder, `ground_truth/spot/00${i}_mask.png`), {
      data: mask,
      width: SIDE,
      height: SIDE,
      channels: 1,
    });
  }
}

/** SqueezeNet's shapes with weights from the integer formula. */
export async function writeTeacher(file: string): Promise<void> {
  const weights: StateDict = new Map();
  for (const [name, shape] of backboneInfo('squeezenet1_1').weightShapes()) {
    weights.set(name, { dtype: 'F32', shape, data: integerFill(name, shape) });
  }
  await writeFile(file, writeSafetensors(weights));
}
