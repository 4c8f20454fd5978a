import { DskdError } from '@dskd/base';
import type { EngineImage } from '@dskd/engine/node';
import type { Frame, Source } from '../../source.js';
import { reasonOf } from '../reason.js';
import { boundaryOf, multipartFrames } from './multipart-frames.js';

export interface MjpegOptions {
  /** Frames a second that are taken. Default: all. */
  readonly fps?: number | undefined;
  /** Most bytes of an image. */
  readonly maxBytes: number;
}

/** Images that a camera sends one after another in the answer of a request, as they are: each is decoded by the worker that scores it. */
export class MjpegSource implements Source<EngineImage> {
  readonly name: string;
  readonly isLive = true;
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #options: MjpegOptions;

  /** @param address a URL, which may contain user and password. */
  constructor(address: URL, options: MjpegOptions) {
    const url = new URL(address);
    const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
    url.username = '';
    url.password = '';
    this.name = url.href;
    this.#url = url.href;
    const basic = Buffer.from(`${user}:${password}`).toString('base64');
    this.#headers = user === '' && password === '' ? {} : { authorization: `Basic ${basic}` };
    this.#options = options;
  }

  async *frames(signal: AbortSignal): AsyncGenerator<Frame<EngineImage>, void, undefined> {
    const { fps, maxBytes } = this.#options;
    const response = await fetch(this.#url, { headers: this.#headers, signal }).catch((cause: unknown) => {
      throw this.#failed(reasonOf(cause), cause);
    });
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      throw this.#failed(`it answered ${response.status}`);
    }
    const boundary = boundaryOf(response.headers.get('content-type'));
    const parts = multipartFrames(response.body, boundary, maxBytes);
    const [shortest, slack] = fps === undefined ? [0, 0] : [1000 / fps, 100 / fps];
    let last = -Infinity;
    let index = 0;
    try {
      for await (const image of parts) {
        const now = performance.now();
        if (now - last < shortest - slack) continue;
        last = now;
        yield { id: String(index++), time: Date.now(), image };
      }
    } catch (cause) {
      if (signal.aborted) return;
      throw cause instanceof DskdError ? cause : this.#failed(reasonOf(cause), cause);
    }
    if (!signal.aborted) throw this.#failed('the stream ended');
  }

  #failed(reason: string, cause?: unknown): DskdError {
    return new DskdError('source-failed', `Images cannot be read from ${this.name}: ${reason}.`, {
      hint: 'Open the address in a browser of this machine. Only passwords of the type Basic are sent.',
      cause,
    });
  }
}
