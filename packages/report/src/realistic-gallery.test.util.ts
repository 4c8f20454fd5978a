import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PixelBuffer } from '@dskd/base';
import { decodeImage, decodeMask, encodeImage } from '@dskd/data/node';
import type { ScoredSample } from '@dskd/metrics';
import { CATEGORIES, generateScene } from '@dskd/synthetic';
import type { GalleryImages } from './gallery-collector.js';
import type { ScoreMap } from '@dskd/metrics';
import type { HeatScale } from './images/overlays.js';
import { makePanels } from './images/panels.js';

/** Folder of photographs of parts, which may be missing. */
const PHOTOS = fileURLToPath(new URL('../../../../shared/data/mvtec_ad/', import.meta.url));
export const photosMissing = existsSync(PHOTOS) ? undefined : `there is no ${PHOTOS}`;

interface TrueImage {
  readonly image: PixelBuffer;
  readonly mask?: PixelBuffer;
}

/** The `index`-th test photo of a category, with its mask. */
export async function photo(category: string, label: string, index: number): Promise<TrueImage> {
  const folder = path.join(PHOTOS, category, 'test');
  const files = readdirSync(folder)
    .filter((type) => (type === 'good') === (label === 'good'))
    .flatMap((type) => readdirSync(path.join(folder, type)).map((name) => path.join(type, name)));
  const file = files[index % files.length]!;
  const image = await decodeImage(path.join(folder, file));
  if (label === 'good') return { image };
  const mask = path.join(PHOTOS, category, 'ground_truth', file.replace(/\.\w+$/, '_mask.png'));
  return { image, mask: await decodeMask(mask) };
}

/** A synthetic scene; its mask is the union of its regions. */
export function scene(label: string, index: number, size = 256): TrueImage {
  const category = CATEGORIES[index % CATEGORIES.length]!;
  const anomaly = category.anomalies[index % category.anomalies.length]!.name;
  const { image, regions } = generateScene({
    category: category.name,
    size,
    seed: 3,
    split: 'test',
    index,
    ...(label === 'anomalous' && { anomaly }),
  });
  if (label === 'good') return { image };
  const data = new Uint8Array(size * size);
  for (const { mask } of regions) mask.data.forEach((value, at) => (data[at]! |= value));
  return { image, mask: { data, width: size, height: size, channels: 1 } };
}

/** A map with the maximum `score`: a smooth peak at the defect, or at any position, and ripples elsewhere. */
function hill({ image: { width, height }, mask }: TrueImage, score: number, phase: number): ScoreMap {
  let [x, y, count] = [0, 0, 0];
  mask?.data.forEach((value, at) => {
    if (value === 0) return;
    x += at % width;
    y += Math.floor(at / width);
    count++;
  });
  const center = count > 0 ? [x / count, y / count] : [width * 0.3 * (1 + phase), height * 0.4];
  const radius = count > 0 ? Math.max(Math.sqrt(count) * 0.6, width / 40) : width / 12;
  const along = (length: number, at: number, wave: (share: number) => number): [number, number][] =>
    Array.from({ length }, (_, index) => [
      Math.exp(-((index - at) ** 2) / (2 * radius ** 2)),
      wave(index / length),
    ]);
  const columns = along(width, center[0]!, (share) => Math.sin(share * 9 + phase));
  const rows = along(height, center[1]!, (share) => Math.cos(share * 7));
  const data = new Float32Array(width * height);
  for (const [row, [down, rowWave]] of rows.entries()) {
    for (let column = 0; column < width; column++) {
      const [across, columnWave] = columns[column]!;
      data[row * width + column] = score * Math.max(across * down, 0.25 * (1 + columnWave * rowWave));
    }
  }
  return { data, width, height };
}

/** Panels of one image, encoded as by the command line. */
export async function realisticPanels(
  image: TrueImage,
  { score, branchScores }: ScoredSample,
  { scale, side }: { readonly scale: HeatScale; readonly side: number },
): Promise<GalleryImages> {
  return makePanels(
    {
      ...image,
      fused: hill(image, score, 0.5),
      branches: Object.fromEntries(
        Object.entries(branchScores).map(([name, value], index) => [name, hill(image, value, index)]),
      ),
    },
    { scale, side, encode: (panel) => encodeImage(panel, { format: 'webp' }) },
  );
}
