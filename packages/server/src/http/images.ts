import { DskdError } from '@dskd/base';
import { fetchImage, type FetchRules } from './fetch-image.js';
import { checked, jsonImagesSchema } from './schemas.js';

/** An image of a request: the bytes of a file. */
export interface NamedImage {
  readonly name: string | undefined;
  readonly bytes: Uint8Array;
}

const MULTIPART = 'multipart/form-data';
const JSON_TYPE = 'application/json';
const BOUNDARY = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i;

/** Of one request. Parsing a form or JSON with more would stop the server for seconds. */
const MOST_IMAGES = 256;
/** Bytes of the headers of one part of a form. */
const MOST_PART_HEAD = 8192;

/** The type of a body without its parameters. */
export function mediaType(headers: Headers): string {
  return (headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase();
}

function noImage(what: string): DskdError {
  return new DskdError('invalid-argument', `Got ${what}, wanted at least one image.`, {
    hint: 'Send the bytes of an image file, a form with files, or JSON with images.',
  });
}

/** @throws {DskdError} `too-large` */
function assertCount(count: number): void {
  if (count <= MOST_IMAGES) return;
  throw new DskdError('too-large', `Got more than ${MOST_IMAGES} images in one request.`, {
    hint: 'Send them in several requests.',
    details: { most: MOST_IMAGES },
  });
}

/** Looks for the parts of a form, without parsing it. @throws {DskdError} `too-large` for many parts or long headers */
function assertForm(bytes: Uint8Array<ArrayBuffer>, boundary: string): void {
  const form = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const mark = Buffer.from(`--${boundary}`);
  let parts = 0;
  for (let at = form.indexOf(mark); at >= 0; ) {
    const head = at + mark.length;
    if (form.toString('latin1', head, head + 2) === '--') return;
    assertCount(++parts);
    const end = form.indexOf('\r\n\r\n', head);
    if (end < 0) return;
    if (end - head > MOST_PART_HEAD) {
      throw new DskdError(
        'too-large',
        `A part of the form has headers of more than ${MOST_PART_HEAD} bytes.`,
        {
          details: { most: MOST_PART_HEAD },
        },
      );
    }
    at = form.indexOf(mark, end);
  }
}

async function ofForm(bytes: Uint8Array<ArrayBuffer>, contentType: string): Promise<NamedImage[]> {
  const [, quoted, plain] = BOUNDARY.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) {
    throw new DskdError('invalid-argument', `Got ${MULTIPART} without a boundary.`, {
      hint: 'Let the HTTP client write the header Content-Type.',
    });
  }
  assertForm(bytes, boundary);
  let form: FormData;
  try {
    form = await new Response(bytes, { headers: { 'content-type': contentType } }).formData();
  } catch (cause) {
    throw new DskdError('invalid-argument', `The body is not ${MULTIPART}, or damaged.`, { cause });
  }
  const files = [...form.values()].filter((value) => typeof value !== 'string');
  return Promise.all(
    files.map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })),
  );
}

/** @throws {DskdError} `invalid-argument` */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new DskdError('invalid-argument', 'The body is not JSON in UTF-8.', { cause });
  }
}

/** One after another, so that one request opens one connection at a time. */
async function ofJson(bytes: Uint8Array, rules: FetchRules, signal: AbortSignal): Promise<NamedImage[]> {
  const body = parseJson(bytes);
  const listed = (body as { readonly images?: unknown } | null)?.images;
  if (Array.isArray(listed)) assertCount(listed.length);
  const { images } = checked(jsonImagesSchema, body, 'The body');
  const read: NamedImage[] = [];
  let total = 0;
  for (const image of images) {
    const { name } = image;
    const maxBody = rules.maxBody - total;
    const content =
      'url' in image
        ? await fetchImage(image.url, { ...rules, maxBody }, signal)
        : new Uint8Array(Buffer.from(image.base64, 'base64'));
    total += content.length;
    read.push({ name: name ?? ('url' in image ? image.url : undefined), bytes: content });
  }
  return read;
}

/**
 * The images of a body: a form with files, JSON with base64 or URLs, or the bytes of one image.
 * @throws {DskdError} `invalid-argument`, and of reading URLs.
 */
export async function imagesOf(
  bytes: Uint8Array<ArrayBuffer>,
  headers: Headers,
  rules: FetchRules,
  signal: AbortSignal,
): Promise<NamedImage[]> {
  const type = mediaType(headers);
  if (type === JSON_TYPE) return ofJson(bytes, rules, signal);
  const images =
    type === MULTIPART
      ? await ofForm(bytes, headers.get('content-type')!)
      : bytes.length === 0
        ? []
        : [{ name: undefined, bytes }];
  if (images.length === 0) throw noImage(type === MULTIPART ? 'a form without a file' : 'an empty body');
  return images;
}
