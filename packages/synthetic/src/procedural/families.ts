import type { RandomStream } from '@dskd/base';
import { clamp } from '../math.js';
import { mixed } from '../raster/blend.js';
import type { Canvas } from '../raster/canvas.js';
import { PLANE, type Shape } from '../raster/shape.js';
import { between, palette, scaleBetween } from './random.js';
import { fill, paintDot, paintOf, paintShape, type Texture } from './shapes.js';
import { noiseField, randomTexture } from './textures.js';

type Painter = (canvas: Canvas, random: RandomStream) => void;

/** Dead leaves (Lee, Mumford and Huang 2001): overlapping shapes with radii distributed as 1 / r^3. */
const deadLeaves: Painter = (canvas, random) => {
  const { size } = canvas;
  const color = palette(random);
  fill(canvas, randomTexture(random, size, color));
  const smallest = scaleBetween(random, 1, size / 16);
  const largest = between(random, 0.15, 0.4) * size;
  const textures = Array.from({ length: 6 }, () => randomTexture(random, size, color));
  // About twice the area of the image.
  let area = 2 * size * size;
  for (let leaf = 0; leaf < 600 && area > 0; leaf++) {
    const radius = smallest / Math.sqrt(1 - random.uniform() * (1 - (smallest / largest) ** 2));
    const center = [between(random, 0, size), between(random, 0, size)] as const;
    const flat = color();
    const texture: Texture = random.uniform() < 0.6 ? () => flat : textures[random.integer(textures.length)]!;
    paintShape(canvas, random, center, radius, texture);
    area -= 2 * radius * radius;
  }
};

/** Noise in three colors, from clouds to sand; stretched like brushed metal or wood with probability 1/3. */
const noiseFields: Painter = (canvas, random) => {
  const { size } = canvas;
  const options = () => ({
    cells: scaleBetween(random, 1.5, size / 4),
    octaves: 1 + random.integer(6),
    persistence: between(random, 0.4, 1.1),
  });
  const [first, second] = [noiseField(random, size, options()), noiseField(random, size, options())];
  const color = palette(random);
  const [a, b, c] = [color(), color(), color()];
  const contrast = between(random, 1, 5);
  const squeeze = random.uniform() < 1 / 3 ? scaleBetween(random, 2, 16) : 1;
  const upright = random.uniform() < 0.5;
  fill(canvas, (x, y) => {
    const [u, v] = upright ? [x, Math.floor(y / squeeze)] : [Math.floor(x / squeeze), y];
    const share = (field: Float32Array): number => clamp((field[v * size + u]! - 0.5) * contrast + 0.5);
    return mixed(mixed(a, b, share(first)), c, share(second) * 0.7);
  });
};

/** A Julia set, colored by the time to escape. */
const fractals: Painter = (canvas, random) => {
  const { size } = canvas;
  const angle = between(random, 0, 2 * Math.PI);
  // Near the boundary of the Mandelbrot set's main cardioid, where Julia sets have much detail.
  const radius = between(random, 0.95, 1.1);
  const real = radius * (0.5 * Math.cos(angle) - 0.25 * Math.cos(2 * angle));
  const imaginary = radius * (0.5 * Math.sin(angle) - 0.25 * Math.sin(2 * angle));
  const zoom = scaleBetween(random, 0.3, 3) / size;
  const [left, top] = [between(random, -0.8, 0.8), between(random, -0.8, 0.8)];
  const color = palette(random);
  const colors = Array.from({ length: 8 }, color);
  const steps = 48;
  fill(canvas, (x, y) => {
    let [a, b] = [left + (x - size / 2) * zoom, top + (y - size / 2) * zoom];
    let step = 0;
    while (step < steps && a * a + b * b < 16) {
      [a, b] = [a * a - b * b + real, 2 * a * b + imaginary];
      step++;
    }
    if (step === steps) return mixed(colors[0]!, colors[1]!, clamp(a * a + b * b));
    // Interpolated between whole steps by the distance that the point has reached.
    const smooth = step + 1 - Math.log2(Math.max(1, Math.log2(a * a + b * b) / 2));
    const place = Math.max(0, smooth) / 4;
    const below = Math.floor(place);
    return mixed(colors[below % 8]!, colors[(below + 1) % 8]!, place - below);
  });
};

const GLYPH_COLUMNS = 5;
const GLYPH_ROWS = 7;

/** A random letter: a few straight strokes on a grid of 5 x 7. */
function glyph(random: RandomStream): Uint8Array {
  const bits = new Uint8Array(GLYPH_COLUMNS * GLYPH_ROWS);
  for (let stroke = 2 + random.integer(3); stroke > 0; stroke--) {
    if (random.uniform() < 0.5) {
      const column = random.integer(GLYPH_COLUMNS);
      for (let row = random.integer(3); row < GLYPH_ROWS; row++) bits[row * GLYPH_COLUMNS + column] = 1;
    } else {
      const row = 3 * random.integer(3);
      for (let column = random.integer(2); column < GLYPH_COLUMNS; column++) {
        bits[row * GLYPH_COLUMNS + column] = 1;
      }
    }
  }
  return bits;
}

/** Lines of random letters at a random angle on a textured background, and thin lines across. */
const text: Painter = (canvas, random) => {
  const { size } = canvas;
  const color = palette(random);
  fill(canvas, randomTexture(random, size, color));
  const dark = random.uniform() < 0.5 ? 0 : 1;
  const ink = mixed(color(), [dark, dark, dark], 0.7);
  const alphabet = Array.from({ length: 24 }, () => glyph(random));
  const dot = scaleBetween(random, 0.8, size / 32);
  const angle = random.uniform() < 0.5 ? 0 : between(random, 0, 2 * Math.PI);
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const letters = new Uint8Array(64 * 64).map(() => random.integer(alphabet.length + 4));
  // All or nothing: letters are not anti-aliased.
  const isInk = (x: number, y: number): boolean => {
    const column = Math.floor((x * cosine + y * sine) / dot);
    const row = Math.floor((y * cosine - x * sine) / dot);
    const [across, down] = [column >> 3, Math.floor(row / 10)];
    const [inX, inY] = [column - across * 8, row - down * 10];
    if (inX >= GLYPH_COLUMNS || inY >= GLYPH_ROWS) return false;
    // Numbers beyond the alphabet are spaces.
    const letter = alphabet[letters[(down & 63) * 64 + (across & 63)]!];
    return letter?.[inY * GLYPH_COLUMNS + inX] === 1;
  };
  const lines: Shape = { box: PLANE.box, distance: (x, y) => (isInk(x, y) ? -Infinity : Infinity) };
  canvas.fill(
    lines,
    paintOf(() => ink, 0.9),
  );
  for (let line = random.integer(6); line > 0; line--) strokeAcross(canvas, random, color);
};

/** Draws a thin curved line. */
function strokeAcross(canvas: Canvas, random: RandomStream, color: ReturnType<typeof palette>): void {
  const { size } = canvas;
  const [ink, width] = [color(), scaleBetween(random, 0.5, size / 40)];
  const paint = paintOf(() => ink);
  let [x, y] = [between(random, 0, size), between(random, 0, size)];
  let angle = between(random, 0, 2 * Math.PI);
  const bend = between(random, 0, 0.15);
  for (let step = between(random, 0.2, 1.5) * size; step > 0; step--) {
    angle += (random.uniform() - 0.5) * 2 * bend;
    [x, y] = [x + Math.cos(angle), y + Math.sin(angle)];
    paintDot(canvas, x, y, width, paint);
  }
}

/** A few large textured shapes on a textured background. */
const texturedShapes: Painter = (canvas, random) => {
  const { size } = canvas;
  const color = palette(random);
  fill(canvas, randomTexture(random, size, color));
  const things = palette(random);
  for (let shape = 1 + random.integer(10); shape > 0; shape--) {
    const center = [between(random, 0, size), between(random, 0, size)] as const;
    const radius = scaleBetween(random, size / 24, size / 2.5);
    paintShape(canvas, random, center, radius, randomTexture(random, size, things));
  }
};

/** A linear gradient and a bright or dark spot, in bands with probability 1/4. */
const gradients: Painter = (canvas, random) => {
  const { size } = canvas;
  const color = palette(random);
  const [a, b, c] = [color(), color(), color()];
  const angle = between(random, 0, 2 * Math.PI);
  const [cosine, sine] = [Math.cos(angle) / size, Math.sin(angle) / size];
  const [centerX, centerY] = [between(random, 0, size), between(random, 0, size)];
  const reach = between(random, 0.2, 1.2) * size;
  const bands = random.uniform() < 0.25 ? 2 + random.integer(14) : undefined;
  const step = (share: number): number => (bands === undefined ? share : Math.floor(share * bands) / bands);
  fill(canvas, (x, y) => {
    const slope = clamp((x - size / 2) * cosine + (y - size / 2) * sine + 0.5);
    const distance = Math.sqrt((x - centerX) ** 2 + (y - centerY) ** 2);
    return mixed(mixed(a, b, step(slope)), c, step(clamp(1 - distance / reach)));
  });
};

/** Families of procedural images by name. */
export const FAMILIES = {
  'dead-leaves': deadLeaves,
  'noise-fields': noiseFields,
  fractals,
  text,
  'textured-shapes': texturedShapes,
  gradients,
} as const satisfies Record<string, Painter>;

export type ProceduralFamily = keyof typeof FAMILIES;
