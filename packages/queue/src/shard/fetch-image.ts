import { setTimeout as pause } from 'node:timers/promises';
import { DskdError, throwIfAborted, withinTime } from '@dskd/base';

/** Whether an image is named by a URL. A drive letter is not a scheme. */
export const isUrl = (image: string): boolean => /^[a-z][a-z\d+.-]+:\/\//i.test(image);

/** @throws {DskdError} `invalid-argument` */
export function urlOf(image: string): URL {
  const url = URL.canParse(image) ? new URL(image) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new DskdError(
    'invalid-argument',
    `Got the URL ${image}; wanted http://HOST/PATH or https://HOST/PATH.`,
    {
      hint: 'Images elsewhere: make them files that all machines see, or give URLs that are signed.',
      details: { got: image },
    },
  );
}

const TIMEOUT_MS = 30_000;
const MOST_BYTES = 2 ** 28;
const PAUSES_MS = [250, 1000];

/** Answers that another try may change. */
const isPassing = (status: number): boolean => status === 408 || status === 429 || status >= 500;

/** What a server answered. */
type Fetched =
  | { readonly bytes: Uint8Array }
  /** It does not give the image, and will not. */
  | { readonly refused: string };

async function fetchOnce(url: URL, signal: AbortSignal): Promise<Fetched | { readonly passing: string }> {
  const response = await fetch(url, { signal });
  if (!response.ok) {
    await response.body?.cancel();
    const said = `HTTP status ${response.status}`;
    return isPassing(response.status) ? { passing: said } : { refused: said };
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MOST_BYTES) return { refused: `more than ${MOST_BYTES} bytes` };
    chunks.push(chunk);
  }
  return { bytes: Buffer.concat(chunks) };
}

/**
 * Downloads an image. An answer that may be another one later is asked for again; one that is final is returned, since it belongs
 * into the result.
 * @throws {DskdError} `download-failed` where the server is not reached or has no final answer; `aborted`
 */
export async function fetchImage(image: string, signal: AbortSignal): Promise<Fetched> {
  const url = urlOf(image);
  for (let attempt = 0; ; attempt++) {
    let reason: string;
    try {
      const fetched = await withinTime(signal, TIMEOUT_MS, async (limited) => fetchOnce(url, limited));
      if (!('passing' in fetched)) return fetched;
      reason = fetched.passing;
    } catch (error) {
      throwIfAborted(signal);
      const { message, cause } = error as Error;
      reason = cause instanceof Error ? cause.message : message;
    }
    const wait = PAUSES_MS[attempt];
    if (wait === undefined) {
      throw new DskdError('download-failed', `Got no image from ${image}: ${reason}.`, {
        hint: `Tried ${PAUSES_MS.length + 1} times. Can this machine reach the host? Submit again when it can.`,
        details: { url: image },
      });
    }
    await pause(wait, undefined, { signal }).catch(() => throwIfAborted(signal));
  }
}
