import { DskdError, type PixelBuffer } from '@dskd/base';

/** Longest head of an image: `P6\n1920 1080\n255\n` is 17 bytes. */
const HEAD_BYTES = 64;
const HEAD = /^P6\s(\d+)\s(\d+)\s255\s/;

function notPpm(why: string): DskdError {
  return new DskdError('source-failed', `The frames of ffmpeg cannot be read: ${why}.`, {
    hint: 'Wanted images of the format PPM (P6, 8 bits), one after another.',
  });
}

/**
 * Raw RGB images that come in pieces: PPM, a head of text with the size and then the pixels. So the size need not be known
 * before.
 * @throws {DskdError} `source-failed` for what is not such an image, or has more pixels than `maxPixels`. An image that is cut off at the
 * end is left out.
 */
export async function* ppmFrames(
  chunks: AsyncIterable<Uint8Array>,
  maxPixels: number,
): AsyncGenerator<PixelBuffer, void, undefined> {
  let head = '';
  let image: { readonly pixels: PixelBuffer & { readonly data: Uint8Array }; filled: number } | undefined;
  for await (const chunk of chunks) {
    let at = 0;
    while (at < chunk.length) {
      if (!image) {
        head += String.fromCharCode(chunk[at++]!);
        const [, width, height] = HEAD.exec(head) ?? [];
        if (width === undefined || height === undefined) {
          if (head.length > HEAD_BYTES) throw notPpm(`they begin with ${JSON.stringify(head.slice(0, 20))}`);
          continue;
        }
        head = '';
        const pixels = Number(width) * Number(height);
        if (pixels === 0 || pixels > maxPixels)
          throw notPpm(`an image of ${width} x ${height} pixels, wanted at most ${maxPixels}`);
        const data = new Uint8Array(pixels * 3);
        image = { pixels: { data, width: Number(width), height: Number(height), channels: 3 }, filled: 0 };
      }
      const { pixels, filled } = image;
      const piece = chunk.subarray(at, at + pixels.data.length - filled);
      pixels.data.set(piece, filled);
      image.filled += piece.length;
      at += piece.length;
      if (image.filled === pixels.data.length) {
        image = undefined;
        yield pixels;
      }
    }
  }
}
