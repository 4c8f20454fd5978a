import type { PixelBuffer } from '@dskd/base';

const ORIENTATION_TAG = 0x112;

/** The place of the value of EXIF's orientation in a TIFF structure, if it has one. */
function placeOfOrientation(
  view: DataView,
  start: number,
  end: number,
): { at: number; littleEndian: boolean } | undefined {
  if (start + 8 > end) return undefined;
  const littleEndian = view.getUint16(start) === 0x4949;
  const directory = start + view.getUint32(start + 4, littleEndian);
  if (directory + 2 > end) return undefined;
  const count = view.getUint16(directory, littleEndian);
  for (let index = 0; index < count; index++) {
    const entry = directory + 2 + index * 12;
    if (entry + 12 > end) return undefined;
    if (view.getUint16(entry, littleEndian) === ORIENTATION_TAG) return { at: entry + 8, littleEndian };
  }
  return undefined;
}

/**
 * Takes the EXIF orientation out of a WebP file. Chromium does not apply it, other browsers may: without it
 * all decode the same, and we turn.
 * @param bytes of a whole WebP; its orientation becomes 1.
 * @returns the orientation it had, 1 to 8; 1 where it had none.
 */
export function takeWebpOrientation(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 12; at + 8 <= bytes.length; ) {
    const name = view.getUint32(at);
    const size = view.getUint32(at + 4, true);
    const end = Math.min(at + 8 + size, bytes.length);
    if (name === 0x45584946) {
      // 'EXIF'. Some programs write 'Exif\0\0' before the structure, as JPEG has it.
      const start = at + 8 + (bytes[at + 8] === 0x45 ? 6 : 0);
      const place = placeOfOrientation(view, start, end);
      if (!place) return 1;
      const orientation = view.getUint16(place.at, place.littleEndian);
      view.setUint16(place.at, 1, place.littleEndian);
      return orientation >= 1 && orientation <= 8 ? orientation : 1;
    }
    at += 8 + size + (size % 2);
  }
  return 1;
}

/** Turns and mirrors an image as its EXIF orientation, 1 to 8, says. */
export function upright(pixels: PixelBuffer, orientation: number): PixelBuffer {
  if (orientation === 1) return pixels;
  const { data, width, height, channels } = pixels;
  const turned = new Uint8Array(data.length);
  const [outWidth, outHeight] = orientation >= 5 ? [height, width] : [width, height];
  const mirrorsX = [2, 3, 7, 8].includes(orientation);
  const mirrorsY = [3, 4, 6, 7].includes(orientation);
  let to = 0;
  for (let y = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++) {
      const [u, v] = orientation >= 5 ? [y, x] : [x, y];
      const from = ((mirrorsY ? height - 1 - v : v) * width + (mirrorsX ? width - 1 - u : u)) * channels;
      for (let channel = 0; channel < channels; channel++) turned[to++] = data[from + channel]!;
    }
  }
  return { data: turned, width: outWidth, height: outHeight, channels };
}
