import { encodeImage } from '@dskd/data/node';
import { generateScene, planDataset } from '@dskd/synthetic';
import type { DroppedFile } from './page.test.util.js';

/** Drawn trays: good ones to learn, and as many good, logically and structurally faulty ones to inspect. */
export async function drawTrays({
  good,
  other,
  size = 256,
  seed = 1,
}: {
  readonly good: number;
  readonly other: number;
  readonly size?: number;
  readonly seed?: number;
}): Promise<{ readonly learned: DroppedFile[]; readonly inspected: DroppedFile[] }> {
  const plan = planDataset({ category: 'tray', train: good, validation: 0, test: other, seed });
  const learned: DroppedFile[] = [];
  const inspected: DroppedFile[] = [];
  for (const { path, ...scene } of plan) {
    const bytes = await encodeImage(generateScene({ ...scene, size }).image);
    const name = `${path.replaceAll('/', '-')}.png`;
    (scene.split === 'train' ? learned : inspected).push({ name, bytes });
  }
  return { learned, inspected };
}

/** Whether a file of {@link drawTrays} shows a faulty tray. */
export const isFaulty = (name: string): boolean => !name.includes('good');
