import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { encodeImage } from '@dskd/data/node';

const SIDE = 48;

/** Gray with a bright square; a faulty one has a dark corner. */
export function image(
  noise: number,
  faulty = false,
): { data: Uint8Array; width: number; height: number; channels: number } {
  const data = new Uint8Array(SIDE * SIDE * 3).map((_, i) => {
    const [x, y] = [Math.floor(i / 3) % SIDE, Math.floor(i / 3 / SIDE)];
    if (faulty && x < 14 && y < 14) return 0;
    const square = x > 16 && x < 32 && y > 16 && y < 32;
    return (square ? 220 : 128) + ((i * 37 + noise * 101) % 23);
  });
  return { data, width: SIDE, height: SIDE, channels: 3 };
}

/** A folder with eight good images, `0.png` to `7.png`. */
export async function writeImages(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dskd-'));
  for (let index = 0; index < 8; index++) {
    await writeFile(path.join(folder, `${index}.png`), await encodeImage(image(index)));
  }
  return folder;
}
