// Synthetic categories as the studies of bench/ take them.
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { sourceOf } from '@dskd/data';
import { openSource } from '@dskd/data/node';
import { writeDataset } from '@dskd/synthetic/node';

export const CATEGORIES = ['tray', 'box', 'bag', 'harness', 'flask'];

/** Images of each split. */
export const COUNTS = { train: 100, validation: 40, test: 120 };

/**
 * Draws a category into a temporary folder, which is removed after `use`.
 * @param drawing size, seed and counts of `writeDataset`.
 */
export async function withDrawnSource(category, drawing, use) {
  const root = await mkdtemp(path.join(os.tmpdir(), 'dskd-drawn-'));
  try {
    await writeDataset(root, { category, ...drawing });
    return await use(await openSource({ root, category }));
  } finally {
    await rm(root, { recursive: true });
  }
}

/** Drawn scenes as the page of the inspector learns them: good images, in memory. */
export const sourceOfScenes = (scenes) =>
  sourceOf(
    'page',
    scenes.map(({ scene, image }) => ({
      id: scene.path,
      split: 'train',
      label: 'good',
      defectType: 'good',
      load: async () => image,
    })),
  );
