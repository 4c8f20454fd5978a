import sharp from 'sharp';

/** Records the calls to a fake browser. */
export interface FakeBrowser {
  /** Options of each call of createImageBitmap. */
  readonly options: (ImageBitmapOptions | undefined)[];
  /** Number of bitmaps that are not closed yet. */
  readonly open: () => number;
  restore(): void;
}

type Rgba = { data: Uint8ClampedArray; width: number; height: number };

/**
 * Installs createImageBitmap and OffscreenCanvas in Node: files are decoded by sharp, and a canvas returns the pixels
 * that were drawn on it.
 */
export function fakeBrowser(): FakeBrowser {
  const options: (ImageBitmapOptions | undefined)[] = [];
  let open = 0;
  class FakeBitmap {
    readonly width: number;
    readonly height: number;
    constructor(readonly pixels: Rgba) {
      this.width = pixels.width;
      this.height = pixels.height;
      open++;
    }
    close(): void {
      open--;
    }
  }
  class FakeCanvas {
    #drawn: Rgba | undefined;
    #top = 0;
    constructor(
      readonly width: number,
      readonly height: number,
    ) {}
    getContext(kind: string): unknown {
      if (kind !== '2d' || this.width > 1000) return null;
      return {
        drawImage: (bitmap: FakeBitmap, _: number, y: number) => {
          this.#drawn = bitmap.pixels;
          this.#top = -y;
        },
        getImageData: (_: number, y: number, width: number, height: number): Rgba => {
          const start = (this.#top + y) * width * 4;
          return { data: this.#drawn!.data.slice(start, start + width * height * 4), width, height };
        },
      };
    }
  }
  const fakes = {
    ImageBitmap: FakeBitmap,
    OffscreenCanvas: FakeCanvas,
    createImageBitmap: async (source: unknown, asked?: ImageBitmapOptions) => {
      options.push(asked);
      if (!(source instanceof Blob)) return new FakeBitmap((source as { pixels: Rgba }).pixels);
      const { data, info } = await sharp(Buffer.from(await source.arrayBuffer()))
        .autoOrient()
        .ensureAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true });
      return new FakeBitmap({ data: new Uint8ClampedArray(data), width: info.width, height: info.height });
    },
  };
  const scope = globalThis as Record<string, unknown>;
  Object.assign(scope, fakes);
  return {
    options,
    open: () => open,
    restore: () => {
      for (const name of Object.keys(fakes)) Reflect.deleteProperty(scope, name);
    },
  };
}
