import { DskdError, isDskdError } from '@dskd/base';
import { Backoff, pause, type BackoffOptions } from './backoff.js';
import type { Frame, Source } from './source.js';

/** What happens to a source. */
export type SourceEvent =
  /** The first frame has come. */
  | { readonly type: 'source-opened' }
  /** It failed, and is opened again after a pause. */
  | { readonly type: 'source-failed'; readonly error: unknown; readonly retryMs: number };

export interface KeptOpenOptions {
  readonly backoff: BackoffOptions;
  /** A live source that gives no frame for so long has failed, in milliseconds. */
  readonly stallMs: number;
  readonly signal: AbortSignal;
  readonly onEvent: (event: SourceEvent) => void;
}

/** An attempt that lasted so long was a good one: the next pause is short again. */
const HEALTHY_MS = 10_000;

/** Errors that come again however often the source is opened. */
function isForGood(error: unknown): boolean {
  return isDskdError(error, 'dependency-missing') || isDskdError(error, 'invalid-argument');
}

type Ended = 'stopped' | 'stalled';

/** Ends an attempt when the run is stopped, or when no frame comes. */
class Watchdog {
  readonly attempt = new AbortController();
  readonly #outer: AbortSignal;
  readonly #stallMs: number;
  #ended: Ended | undefined;
  #tell: (how: Ended) => void = () => undefined;
  readonly #stop = (): void => this.#finish('stopped');

  constructor(outer: AbortSignal, stallMs: number) {
    this.#outer = outer;
    this.#stallMs = stallMs;
    if (outer.aborted) this.#stop();
    outer.addEventListener('abort', this.#stop, { once: true });
  }

  /**
   * Waits for a frame, or until the attempt ends. Not a race with one promise of the end: that would keep every frame for as long as
   * the attempt lasts.
   */
  async waitFor<T>(asked: Promise<T>): Promise<T | Ended> {
    // Where the attempt ends before, nobody waits for it any more.
    asked.catch(() => undefined);
    if (this.#ended) return this.#ended;
    let timer: NodeJS.Timeout | undefined;
    if (this.#stallMs !== Infinity) timer = setTimeout(() => this.#finish('stalled'), this.#stallMs);
    try {
      return await new Promise<T | Ended>((resolve, reject) => {
        this.#tell = resolve;
        asked.then(resolve, reject);
      });
    } finally {
      clearTimeout(timer);
      this.#tell = () => undefined;
    }
  }

  close(): void {
    this.#outer.removeEventListener('abort', this.#stop);
    this.attempt.abort();
  }

  #finish(how: Ended): void {
    this.#ended ??= how;
    this.#tell(this.#ended);
    this.attempt.abort();
  }
}

async function* oneAttempt<Image>(
  source: Source<Image>,
  { stallMs, signal }: KeptOpenOptions,
): AsyncGenerator<Frame<Image>, void, undefined> {
  const watchdog = new Watchdog(signal, source.isLive ? stallMs : Infinity);
  const frames = source.frames(watchdog.attempt.signal)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await watchdog.waitFor(frames.next());
      if (next === 'stopped') return;
      if (next === 'stalled') {
        throw new DskdError('timed-out', `${source.name} gave no frame for ${stallMs / 1000} s.`, {
          hint: 'Check that the camera sends, and the network between.',
        });
      }
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    watchdog.close();
    // Not awaited: an iterator that hangs would hang this one, too.
    Promise.resolve(frames.return?.()).catch(() => undefined);
  }
}

/**
 * The frames of a source, which is opened again forever when it fails, after pauses that grow. Ends when the source has no more
 * frames, or with the signal.
 * @throws {DskdError} what comes again however often it is opened: `dependency-missing`, `invalid-argument`
 */
export async function* keptOpen<Image>(
  source: Source<Image>,
  options: KeptOpenOptions,
): AsyncGenerator<Frame<Image>, void, undefined> {
  const { signal, onEvent } = options;
  const backoff = new Backoff(options.backoff);
  while (!signal.aborted) {
    let openedAt: number | undefined;
    try {
      for await (const frame of oneAttempt(source, options)) {
        if (openedAt === undefined) {
          openedAt = performance.now();
          onEvent({ type: 'source-opened' });
        }
        yield frame;
      }
      return;
    } catch (error) {
      if (isForGood(error)) throw error;
      if (openedAt !== undefined && performance.now() - openedAt >= HEALTHY_MS) backoff.reset();
      const retryMs = backoff.next();
      onEvent({ type: 'source-failed', error, retryMs });
      await pause(retryMs, signal);
    }
  }
}
