import type { PixelBuffer } from '@dskd/base';

const { fround } = Math;

/** Hue, saturation and value as bytes, rounded where Pillow rounds: float32, then cut off. */
function toHsv(red: number, green: number, blue: number): [number, number, number] {
  const value = Math.max(red, green, blue);
  const range = value - Math.min(red, green, blue);
  if (range === 0) return [0, 0, value];
  const [fromRed, fromGreen, fromBlue] = [red, green, blue].map((byte) => fround((value - byte) / range)) as [
    number,
    number,
    number,
  ];
  let sixths: number;
  if (red === value) sixths = fromBlue - fromGreen;
  else if (green === value) sixths = 2 + fromRed - fromBlue;
  else sixths = 4 + fromGreen - fromRed;
  const hue = fround((fround(sixths) / 6 + 1) % 1);
  return [Math.trunc(hue * 255), Math.trunc(fround(range / value) * 255), value];
}

function toRgb(hue: number, saturation: number, value: number): readonly [number, number, number] {
  if (saturation === 0) return [value, value, value];
  const sixths = (hue * 6) / 255;
  const sector = Math.floor(sixths);
  const within = fround(sixths - sector);
  const strength = fround(saturation / 255);
  const lowest = Math.round(value * (1 - strength));
  const falling = Math.round(value * (1 - strength * within));
  const rising = Math.round(value * (1 - strength * (1 - within)));
  const sectors = [
    [value, rising, lowest],
    [falling, value, lowest],
    [lowest, value, rising],
    [lowest, falling, value],
    [rising, lowest, value],
    [value, lowest, falling],
  ] as const;
  return sectors[sector % 6]!;
}

/**
 * torchvision's `adjust_hue` of a PIL image: through 8-bit HSV, the hue's byte moved by `trunc(shift * 255)`.
 * The way there and back costs a few gray levels, as it does in torchvision; 0 goes no way and costs none.
 * @param shift in turns, -0.5..0.5.
 * @returns a new buffer.
 */
export function adjustHue({ data, ...shape }: PixelBuffer, shift: number): PixelBuffer {
  if (shift === 0) return { ...shape, data: Uint8Array.from(data) };
  const offset = Math.trunc(shift * 255);
  const adjusted = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at += 3) {
    const [hue, saturation, value] = toHsv(data[at]!, data[at + 1]!, data[at + 2]!);
    adjusted.set(toRgb((hue + offset) & 255, saturation, value), at);
  }
  return { ...shape, data: adjusted };
}
