export interface BmpOptions {
  readonly width: number;
  readonly height: number;
  readonly bits: 1 | 4 | 8 | 16 | 24 | 32;
  /** Bytes of each row as stored, from the top row, without padding. */
  readonly rows: readonly (readonly number[])[];
  /** Red, green, blue of each entry. */
  readonly palette?: readonly (readonly [number, number, number])[];
  /** Default: from bottom to top. */
  readonly topDown?: boolean;
  /** Says, for 32 bits, that the fourth byte is alpha: a header of version 5 with masks. */
  readonly alpha?: boolean;
  /** Without the header of the file, as in a `.dib`. */
  readonly bare?: boolean;
  /** The header of OS/2, of 12 bytes. */
  readonly core?: boolean;
  /** Masks of red, green, blue and alpha in place of the usual ones. */
  readonly masks?: readonly number[];
  readonly compression?: number;
}

/** Writes a BMP, so that the expected result of decoding is known exactly. */
export function makeBmp(options: BmpOptions): Buffer {
  const { width, height, bits, rows, palette = [], topDown = false, alpha = false } = options;
  const masks = options.masks ?? (alpha ? [0xff0000, 0xff00, 0xff, 0xff000000] : undefined);
  const size = options.core ? 12 : masks ? 124 : 40;
  const header = Buffer.alloc(size);
  header.writeUInt32LE(size, 0);
  if (options.core) {
    header.writeUInt16LE(width, 4);
    header.writeUInt16LE(height, 6);
    header.writeUInt16LE(1, 8);
    header.writeUInt16LE(bits, 10);
  } else {
    header.writeInt32LE(width, 4);
    header.writeInt32LE(topDown ? -height : height, 8);
    header.writeUInt16LE(1, 12);
    header.writeUInt16LE(bits, 14);
    header.writeUInt32LE(options.compression ?? (masks ? 3 : 0), 16);
    header.writeUInt32LE(palette.length, 32);
    masks?.forEach((mask, index) => header.writeUInt32LE(mask, 40 + 4 * index));
  }
  // OS/2 has no count: the palette has as many entries as the bits allow.
  const entries = options.core
    ? Array.from({ length: bits <= 8 ? 2 ** bits : 0 }, (_, i) => palette[i] ?? [0, 0, 0])
    : palette;
  const colors = Buffer.from(entries.flatMap(([r, g, b]) => (options.core ? [b, g, r] : [b, g, r, 0])));
  const stride = Math.floor((bits * width + 31) / 32) * 4;
  // Padding is not 0, so that reading it as pixels is noticed.
  const stored = rows.map((row) =>
    Buffer.concat([Buffer.from(row), Buffer.alloc(stride - row.length, 0xa5)]),
  );
  const pixels = Buffer.concat(topDown ? stored : stored.reverse());
  const body = Buffer.concat([header, colors, pixels]);
  if (options.bare) return body;
  const file = Buffer.alloc(14);
  file.write('BM', 'latin1');
  file.writeUInt32LE(14 + body.length, 2);
  file.writeUInt32LE(14 + header.length + colors.length, 10);
  return Buffer.concat([file, body]);
}
