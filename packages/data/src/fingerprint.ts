import { DskdError, throwIfAborted, type PixelBuffer } from '@dskd/base';
import { byCodeUnit, type ImageSource, type Sample } from './samples.js';

/**
 * Computes SHA-256 with the Web Crypto API, in Node and in browsers.
 * @returns 64 hexadecimal digits.
 * @throws {DskdError} `dependency-missing` in a page that is not a secure context.
 */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const { subtle } = globalThis.crypto as Partial<Crypto>;
  if (!subtle) {
    throw new DskdError(
      'dependency-missing',
      'SHA-256 is available only in secure contexts (https or localhost).',
      {
        hint: 'Serve the page over https or from localhost.',
      },
    );
  }
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Hashes an image by its pixels: SHA-256 over `WIDTH x HEIGHT x CHANNELS`, a newline, and the pixels.
 * @returns 64 hexadecimal digits.
 * @throws {DskdError} `dependency-missing` in a page that is not a secure context.
 */
export async function digestOfPixels({ data, width, height, channels }: PixelBuffer): Promise<string> {
  const head = new TextEncoder().encode(`${width} x ${height} x ${channels}\n`);
  const bytes = new Uint8Array(head.length + data.length);
  bytes.set(head);
  bytes.set(data, head.length);
  return sha256(bytes);
}

/**
 * Hashes the ground truth of an image whose defects have separate masks: SHA-256 over one line per region, sorted,
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

/** Hash of a ground truth that was not read from files: computed from the decoded masks; null if there is none. */
async function digestOfTruth(sample: Sample): Promise<string | null> {
  if (sample.loadRegions) {
    const regions = await sample.loadRegions();
    const masks = await Promise.all(regions.map(({ mask }) => digestOfPixels(mask)));
    return digestOfRegions(regions.map((region, index) => ({ ...region, sha256: masks[index]! })));
  }
  return sample.loadMask ? digestOfPixels(await sample.loadMask()) : null;
}

/**
 * Computes a fingerprint of `samples`: SHA-256 over one line per sample, sorted, `JSON.stringify([split, label,
 * defectType, sha256 of the image, sha256 of the mask or null])`, joined by newlines. If each defect has its own
 * mask, the hash of the mask is SHA-256 over one line per region, sorted, `JSON.stringify([defectType,
 * saturationArea, sha256 of its mask])`. The fingerprint changes with any byte of an image or mask, any label and any
 * split. It does not depend on names, locations or the order of files.
 *
 * The hashes are those of the files when the source was opened. For a sample without a file, the decoded pixels are
 * hashed.
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
 * Makes a source from samples, for example your own or a selection from another source.
 * @param samples their ids must be unique.
 * @throws {DskdError} `invalid-argument` if two samples have the same id.
 */
export function sourceOf(name: string, samples: readonly Sample[]): ImageSource {
  const ids = new Set<string>();
  for (const { id } of samples) {
    if (ids.has(id)) throw new DskdError('invalid-argument', `Got two samples with the id ${id}.`);
    ids.add(id);
  }
  return { name, samples, fingerprint: (options) => fingerprintSamples(samples, options) };
}
