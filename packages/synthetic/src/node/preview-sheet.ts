import type { PixelBuffer } from '@dskd/base';
import { assertInteger, categoryNamed } from '../categories.js';
import { generateScene, type Region } from '../generate-scene.js';
import type { Level } from '../scene/definition.js';
import { type Encode, sharpEncoder } from './write-dataset.js';

export interface PreviewOptions {
  readonly category: string;
  /** Width and height of each image in pixels, 128..1024. Default 256. */
  readonly size?: number;
  /** Default 7. */
  readonly seed?: number;
  readonly level?: Level;
  /** Index of the scenes: another index shows other examples. Default 0. */
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
 * Draws a sheet of all types of anomaly of a category: under each name the good scene, the same scene with the
 * anomaly, and the ground truth (a second region in orange).
 * @returns RGB.
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

/**
 * Draws a sheet of all types of anomaly of a category: under each name the good scene, the same scene with the
 * anomaly, and the ground truth.
 * @returns the bytes of a PNG.
 * @param encode writes the PNG. Default: sharp.
 * @throws {DskdError} `invalid-argument`, `dependency-missing`
 */
export async function previewSheet(options: PreviewOptions, encode?: Encode): Promise<Uint8Array> {
  const sheet = previewPixels(options);
  return (encode ?? (await sharpEncoder()))(sheet);
}

/** Letters of three by five dots: one digit per row, its bits from left to right. */
const GLYPHS: Readonly<Record<string, string>> = {
  a: '25755',
  b: '65656',
  c: '34443',
  d: '65556',
  e: '74647',
  f: '74644',
  g: '34553',
  h: '55755',
  i: '72227',
  j: '11152',
  k: '55655',
  l: '44447',
  m: '57755',
  n: '75555',
  o: '25552',
  p: '65644',
  q: '25563',
  r: '65655',
  s: '34216',
  t: '72222',
  u: '55557',
  v: '55552',
  w: '55775',
  x: '55255',
  y: '55222',
  z: '71247',
};

/** Writes small letters in black, `dot` pixels per dot; other characters are blank. */
function writeText(on: PixelBuffer, text: string, left: number, top: number, dot: number): void {
  for (let position = 0; position < text.length; position++) {
    const rows = GLYPHS[text.charAt(position)] ?? '00000';
    for (let y = 0; y < 5 * dot; y++) {
      const bits = Number(rows[Math.floor(y / dot)]);
      for (let x = 0; x < 3 * dot; x++) {
        if (!(bits & (4 >> Math.floor(x / dot)))) continue;
        const column = left + position * 4 * dot + x;
        const at = ((top + y) * on.width + column) * 3;
        if (column < on.width) on.data.fill(20, at, at + 3);
      }
    }
  }
}
