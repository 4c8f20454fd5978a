/** What the bands of a TIFF mean. */
export interface Bands {
  /** Number of bands that are no color: opacity, near infrared, depth. */
  readonly extra: number;
  /** Which of them is opacity, counted from 0; undefined if none is marked as that. */
  readonly alpha: number | undefined;
  /** Whether the file calls itself gray and has so many bands that it may be a color image. */
  readonly unclear: boolean;
}

const PHOTOMETRIC = 262;
const SAMPLES = 277;
const EXTRA_SAMPLES = 338;
const CMYK = 5;
const PALETTE = 3;
const ALPHA_TYPES = [1, 2];

const TYPE_BYTES: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 16: 8 };

/** Reads numbers from the first directory of a TIFF or BigTIFF. */
class Directory {
  readonly #view: DataView;
  readonly #littleEndian: boolean;
  readonly #big: boolean;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#littleEndian = bytes[0] === 0x49;
    this.#big = this.#number(2, 2) === 43;
  }

  #number(at: number, bytes: number): number {
    if (bytes === 1) return this.#view.getUint8(at);
    if (bytes === 2) return this.#view.getUint16(at, this.#littleEndian);
    if (bytes === 4) return this.#view.getUint32(at, this.#littleEndian);
    return Number(this.#view.getBigUint64(at, this.#littleEndian));
  }

  /** Values of the given tags. @throws RangeError if the directory is cut off. */
  read(wanted: readonly number[]): Map<number, number[]> {
    const word = this.#big ? 8 : 4;
    const directory = this.#number(this.#big ? 8 : 4, word);
    const counter = this.#big ? 8 : 2;
    const count = this.#number(directory, counter);
    const found = new Map<number, number[]>();
    for (let index = 0; index < count; index++) {
      const entry = directory + counter + index * (4 + 2 * word);
      const tag = this.#number(entry, 2);
      const size = TYPE_BYTES[this.#number(entry + 2, 2)];
      if (!wanted.includes(tag) || size === undefined) continue;
      const values = Math.min(this.#number(entry + 4, word), 64);
      const inside = entry + 4 + word;
      const at = values * size <= word ? inside : this.#number(inside, word);
      found.set(
        tag,
        Array.from({ length: values }, (_, value) => this.#number(at + value * size, size)),
      );
    }
    return found;
  }
}

/** Number of bands that are colors, for a photometric interpretation of TIFF 6.0. */
function colorsOf(photometric: number): number {
  if (photometric <= 1 || photometric === PALETTE) return 1;
  return photometric === CMYK ? 4 : 3;
}

/**
 * Reads which bands of a TIFF are no colors. Decoders take the band after the colors as opacity, whether or not the file
 * says so.
 * @param bytes of a TIFF.
 * @returns undefined if the directory cannot be read.
 */
export function tiffBands(bytes: Uint8Array): Bands | undefined {
  try {
    const values = new Directory(bytes).read([PHOTOMETRIC, SAMPLES, EXTRA_SAMPLES]);
    const samples = values.get(SAMPLES)?.[0] ?? 1;
    const photometric = values.get(PHOTOMETRIC)?.[0] ?? 1;
    const extra = Math.max(0, samples - colorsOf(photometric));
    const marked = (values.get(EXTRA_SAMPLES) ?? []).slice(0, extra);
    const alpha = marked.findIndex((type) => ALPHA_TYPES.includes(type));
    const unclear = photometric <= 1 && extra > 1;
    return { extra, alpha: alpha < 0 ? undefined : alpha, unclear };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
