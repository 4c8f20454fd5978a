import { DskdError, throwIfAborted, type PixelBuffer } from '@dskd/base';
import { byCodeUnit, type ImageSource, type Sample } from './samples.js';

/**
 * SHA-256 as hexadecimal digits, in Node and in browsers.
 * @throws {DskdError} `dependency-missing` in a page that is not served securely.
 */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const { subtle } = globalThis.crypto as Partial<Crypto>;
  if (!subtle) {
    throw new DskdError('dependency-missing', 'SHA-256 is there only in pages that are served securely.', {
      hint: 'Serve the page by https, or from localhost.',
    });
  }
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function digestOfPixels({ data, width, height, channels }: PixelBuffer): Promise<string> {
  const head = new TextEncoder().encode(`${width} x ${height} x ${channels}\n`);
  const bytes = new Uint8Array(head.length + data.length);
  bytes.set(head);
  bytes.set(data, head.length);
  return sha256(bytes);
}

/**
 * Names the ground truth of an image that is known defect by defect: SHA-256 over one line per region, sorted,
 * `JSON.stringify([defectType, saturationArea, sha256 of its mask])`, joined by newlines.
 */
export async function digestOfRegions(
  regions: readonly {
    readonly defectType: string;
    readonly saturationArea: number;
    readonly sha256: string;
  }[],
): Promise<string> {
  const lines = regions.map(({ defectType, saturationArea, sha256: mask }) =>
    JSON.stringify([defectType, saturationArea, mask]),
  );
  return sha256(new TextEncoder().encode(lines.sort(byCodeUnit).join('\n')));
}

/** As it is where nothing was read from files. */
async function digestOfTruth(sample: Sample): Promise<string | null> {
  if (sample.loadRegions) {
    const regions = await sample.loadRegions();
    const masks = await Promise.all(regions.map(({ mask }) => digestOfPixels(mask)));
    return digestOfRegions(regions.map((region, index) => ({ ...region, sha256: masks[index]! })));
  }
  return sample.loadMask ? digestOfPixels(await sample.loadMask()) : null;
}

/**
 * Names what `samples` hold: SHA-256 over one line per sample, sorted,
 * `JSON.stringify([split, label, defectType, sha256 of the image, sha256 of the mask or null])`, joined by
 * newlines. Where the ground truth is known defect by defect, the hash of the mask is that over one line per
 * region, sorted, `JSON.stringify([defectType, saturationArea, sha256 of its mask])`. Names, places and the order of files do not matter; a changed byte, mask, label or split does.
 *
 * The hashes are those of the files when the source was opened; where a sample comes from no file, those of
 * its decoded pixels.
 * @returns 64 hexadecimal digits.
 * @throws {DskdError} `aborted`, and what decoding throws.
 */
export async function fingerprintSamples(
  samples: readonly Sample[],
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<string> {
  const lines: string[] = [];
  for (const sample of samples) {
    throwIfAborted(signal);
    const { split, label, defectType, origin, maskOrigin } = sample;
    const image = origin?.sha256 ?? (await digestOfPixels(await sample.load()));
    const mask = maskOrigin?.sha256 ?? (await digestOfTruth(sample));
    lines.push(JSON.stringify([split, label, defectType, image, mask]));
  }
  return sha256(new TextEncoder().encode(lines.sort(byCodeUnit).join('\n')));
}

/**
 * Makes a source of samples, for example of your own or of a selection from another source.
 * @param samples their ids must be unique.
 * @throws {DskdError} `invalid-argument`
 */
export function sourceOf(name: string, samples: readonly Sample[]): ImageSource {
  const ids = new Set<string>();
  for (const { id } of samples) {
    if (ids.has(id)) throw new DskdError('invalid-argument', `Got two samples with the id ${id}.`);
    ids.add(id);
  }
  return { name, samples, fingerprint: (options) => fingerprintSamples(samples, options) };
}
