import type { PixelBuffer } from '@dskd/base';
import { categoryNamed } from '../categories.js';
import { assertInteger } from '../checks.js';
import { generateScene, type Region } from '../generate-scene.js';
import type { Level } from '../scene/definition.js';
import { writeText } from './lettering.js';

export interface PreviewOptions {
  readonly category: string;
  /** Of each image, 128..1024. Default 256. */
  readonly size?: number;
  /** Default 7. */
  readonly seed?: number;
  readonly level?: Level;
  /** Of the scenes: another index shows other examples. Default 0. */
  readonly index?: number;
}

const GAP = 6;
const DOT = 3;
const CAPTION = 7 * DOT;
const CELLS_A_ROW = 2;

const REGION_COLORS = [
  [255, 255, 255],
  [255, 150, 40],
] as const;

/**
 * A sheet of all the types of anomaly of a category: under each name the good scene, the same scene with the
 * anomaly, and the ground truth (a second region in orange).
 * @throws {DskdError} `invalid-argument`
 */
export function previewPixels(options: PreviewOptions): PixelBuffer {
  const { category, size = 256, seed = 7, level = 'standard', index = 0 } = options;
  assertInteger('index', index, 0, 1000);
  const { anomalies } = categoryNamed(category);
  const cellWidth = 3 * size + 4 * GAP;
  const cellHeight = size + CAPTION + GAP;
  const width = CELLS_A_ROW * cellWidth;
  const height = Math.ceil(anomalies.length / CELLS_A_ROW) * cellHeight + GAP;
  const sheet = { data: new Uint8Array(width * height * 3).fill(235), width, height, channels: 3 };
  anomalies.forEach(({ name }, i) => {
    const scene = {
      category,
      size,
      seed,
      level,
      split: 'test' as const,
      index: index * anomalies.length + i,
    };
    const left = (i % CELLS_A_ROW) * cellWidth + GAP;
    const top = Math.floor(i / CELLS_A_ROW) * cellHeight + GAP;
    const damaged = generateScene({ ...scene, anomaly: name });
    writeText(sheet, name, left, top, DOT);
    const panes = [generateScene(scene).image, damaged.image, truth(damaged.regions, size)];
    panes.forEach((pane, k) => copy(pane, sheet, left + k * (size + GAP), top + CAPTION - GAP));
  });
  return sheet;
}

function truth(regions: readonly Region[], size: number): PixelBuffer {
  const data = new Uint8Array(size * size * 3);
  regions.forEach(({ mask }, k) => {
    mask.data.forEach((value, i) => {
      if (value > 0) data.set(REGION_COLORS[k % REGION_COLORS.length]!, i * 3);
    });
  });
  return { data, width: size, height: size, channels: 3 };
}

function copy(from: PixelBuffer, to: PixelBuffer, left: number, top: number): void {
  const bytes = from.width * 3;
  for (let row = 0; row < from.height; row++) {
    to.data.set(from.data.subarray(row * bytes, (row + 1) * bytes), ((top + row) * to.width + left) * 3);
  }
}
