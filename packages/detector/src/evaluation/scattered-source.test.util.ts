import { randomStream, type PixelBuffer } from '@dskd/base';
import type { DefectRegion, ImageSource, Sample } from '@dskd/data';

/** Widths and heights of the images: wide, tall, small, larger than the network. */
const SIZES: readonly [number, number][] = [
  [21, 13],
  [12, 19],
  [9, 9],
];

export interface ScatteredSourceOptions {
  readonly subsets: readonly string[];
  /** Whether ground truth is known defect by defect, at once, or not at all. */
  readonly truth: 'regions' | 'mask' | 'none';
}

/** Random colors, brighter where a random rectangle or speckle is a defect; two overlapping regions each. */
export function scatteredSource({ subsets, truth }: ScatteredSourceOptions): ImageSource {
  const sampleOf = (subset: string, index: number): Sample => {
    const random = randomStream(7, subset, String(index));
    const below = (limit: number): number => Math.floor(limit * random.uniform());
    const [width, height] = SIZES[index % SIZES.length]!;
    const colors = Uint8Array.from({ length: 3 * width * height }, () => below(180));
    const isGood = subset === 'good';
    const regions: DefectRegion[] = [];
    for (const [kind, type] of isGood ? [] : [`${subset} block`, `${subset} speckle`].entries()) {
      const data = new Uint8Array(width * height);
      const [left, top] = [below(width - 4), below(height - 4)];
      for (let i = 0; i < data.length; i++) {
        const [x, y] = [i % width, Math.floor(i / width)];
        const isInside = x >= left && x < left + 4 && y >= top && y < top + 3;
        if (kind === 0 ? isInside : random.uniform() < 0.08) data[i] = 200 + kind;
      }
      data[left + top * width] = 200 + kind;
      data.forEach((value, i) => {
        const brighter = value ? below(75) : 0;
        for (let channel = 0; channel < 3; channel++) colors[3 * i + channel]! += brighter / 2;
      });
      const mask: PixelBuffer = { data, width, height, channels: 1 };
      regions.push({ mask, defectType: type, saturationArea: kind === 0 ? 7 : 2 });
    }
    const union: PixelBuffer = {
      data: Uint8Array.from({ length: width * height }, (_, i) =>
        Math.max(0, ...regions.map(({ mask }) => mask.data[i]!)),
      ),
      width,
      height,
      channels: 1,
    };
    return {
      id: `test/${subset}/00${index}.png`,
      split: 'test',
      label: isGood ? 'good' : 'anomalous',
      defectType: subset,
      load: () => Promise.resolve({ data: colors, width, height, channels: 3 }),
      ...(!isGood && truth !== 'none' && { loadMask: () => Promise.resolve(union) }),
      ...(!isGood && truth === 'regions' && { loadRegions: () => Promise.resolve(regions) }),
    };
  };
  const samples = ['good', ...subsets].flatMap((subset) => [0, 1, 2].map((index) => sampleOf(subset, index)));
  return { name: 'scattered', samples, fingerprint: () => Promise.resolve('0'.repeat(64)) };
}
