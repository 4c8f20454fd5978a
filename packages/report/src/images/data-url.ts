import { DskdError, encodeBase64 } from '@dskd/base';

/** By their first bytes, `undefined` where any byte may stand. */
const SIGNATURES: readonly (readonly [type: string, first: readonly (number | undefined)[]])[] = [
  ['image/png', [0x89, 0x50, 0x4e, 0x47]],
  ['image/jpeg', [0xff, 0xd8, 0xff]],
  // RIFF, four bytes of length, WEBP
  [
    'image/webp',
    [0x52, 0x49, 0x46, 0x46, undefined, undefined, undefined, undefined, 0x57, 0x45, 0x42, 0x50],
  ],
];

/** What a page may show without loading anything. */
const DATA_URL = /^data:image\/(?:png|jpeg|webp);base64,[A-Za-z0-9+/]+={0,2}$/;

/**
 * An image as a URL that holds it.
 * @param encoded PNG, JPEG or WebP.
 * @throws {DskdError} `invalid-argument` for anything else.
 */
export function dataUrl(encoded: Uint8Array): string {
  const found = SIGNATURES.find(([, first]) =>
    first.every((byte, index) => byte === undefined || encoded[index] === byte),
  );
  if (!found) {
    throw new DskdError('invalid-argument', 'Got an encoded image that is neither PNG, JPEG nor WebP.');
  }
  return `data:${found[0]};base64,${encodeBase64(encoded)}`;
}

/**
 * Holds that `url` is an image itself and nothing to be loaded.
 * @throws {DskdError} `invalid-argument`
 */
export function assertDataUrl(url: string): void {
  if (DATA_URL.test(url)) return;
  throw new DskdError(
    'invalid-argument',
    `Got ${JSON.stringify(url.slice(0, 40))} for an image; wanted a data URL of a PNG, JPEG or WebP in base64.`,
    { hint: 'makePanels gives such URLs.' },
  );
}
