import type { PixelBuffer } from '@dskd/base';

/** Left and right exchanged. A new buffer. */
export function flipHorizontal({ data, width, height, channels }: PixelBuffer): PixelBuffer {
  const flipped = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * channels;
      const to = (y * width + width - 1 - x) * channels;
      for (let channel = 0; channel < channels; channel++) flipped[to + channel] = data[from + channel]!;
    }
  }
  return { data: flipped, width, height, channels };
}

/** Top and bottom exchanged. A new buffer. */
export function flipVertical({ data, width, height, channels }: PixelBuffer): PixelBuffer {
  const flipped = new Uint8Array(data.length);
  const row = width * channels;
  for (let y = 0; y < height; y++) {
    flipped.set(data.subarray(y * row, (y + 1) * row), (height - 1 - y) * row);
  }
  return { data: flipped, width, height, channels };
}
