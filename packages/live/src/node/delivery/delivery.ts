import { isDskdError } from '@dskd/base';
import { Backoff, pause, type BackoffOptions } from '../../backoff.js';
import type { Alarm } from '../alarm.js';
import type { Sink } from '../sinks/sink.js';
import type { Spool } from './spool.js';

export type DeliveryEvent =
  | { readonly type: 'alarm-delivered'; readonly id: string; readonly attempts: number }
  | {
      readonly type: 'delivery-failed';
      readonly id: string;
      readonly attempts: number;
      readonly error: unknown;
      readonly retryMs: number;
    }
  /** The receiver will never take it. It is set aside as a file, or lost where there is none. */
  | {
      readonly type: 'alarm-refused';
      readonly id: string;
      readonly file: string | undefined;
      readonly error: unknown;
    };

export interface DeliveryOptions {
  readonly backoff: BackoffOptions;
  /** An attempt that takes longer is given up, in milliseconds. */
  readonly timeoutMs: number;
  readonly onEvent: (event: DeliveryEvent) => void;
}

/** Delivers the alarms of a spool to a sink: one after another, each until it succeeds or is refused for good. */
export class Delivery {
  readonly sink: Sink;
  readonly #spool: Spool;
  readonly #options: DeliveryOptions;
  readonly #ending = new AbortController();
  readonly #done: Promise<void>;
  #isFinishing = false;
  #wake: () => void = () => undefined;

  /** Starts with what is in the spool. */
  constructor(sink: Sink, spool: Spool, options: DeliveryOptions) {
    this.sink = sink;
    this.#spool = spool;
    this.#options = options;
    this.#done = this.#run();
  }

  /** How many alarms wait. */
  get waiting(): number {
    return this.#spool.size;
  }

  /** How many were refused, and are set aside. */
  get refused(): number {
    return this.#spool.refused;
  }

  /** Takes an alarm. It is on the disk when the promise resolves. */
  async add(alarm: Alarm): Promise<void> {
    const { image, ...rest } = alarm;
    await this.#spool.add(this.sink.wantsImage ? { ...rest, image } : rest);
    this.#wake();
  }

  /** Delivers what waits, for at most `graceMs` milliseconds; the rest stays in the spool. Then closes the sink. */
  async finish(graceMs: number): Promise<void> {
    this.#isFinishing = true;
    this.#wake();
    const timer = setTimeout(() => this.#ending.abort(), graceMs);
    await this.#done;
    clearTimeout(timer);
    await this.sink.close().catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    const backoff = new Backoff(this.#options.backoff);
    let tried: { readonly id: string; readonly attempts: number } | undefined;
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      const alarm = await this.#spool.first();
      if (!alarm) {
        if (this.#isFinishing) return;
        await woken;
        continue;
      }
      const { id } = alarm.event;
      tried = { id, attempts: tried?.id === id ? tried.attempts + 1 : 1 };
      await this.#attempt(alarm, tried.attempts, backoff);
    }
  }

  async #attempt(alarm: Alarm, attempts: number, backoff: Backoff): Promise<void> {
    const { timeoutMs, onEvent } = this.#options;
    const { signal } = this.#ending;
    const { id } = alarm.event;
    try {
      await within(timeoutMs, signal, (limited) => this.sink.deliver(alarm, limited));
    } catch (error) {
      if (isDskdError(error) && error.details.refused === true) {
        const file = await this.#spool.setAside();
        backoff.reset();
        return onEvent({ type: 'alarm-refused', id, file, error });
      }
      const asked = isDskdError(error) ? Number(error.details.retryMs ?? 0) : 0;
      const retryMs = Math.max(backoff.next(), Math.min(asked, MOST_ASKED_MS));
      onEvent({ type: 'delivery-failed', id, attempts, error, retryMs });
      // While it waits it is one of those that may be dropped.
      this.#spool.release();
      await pause(retryMs, signal);
      return;
    }
    await this.#spool.remove();
    backoff.reset();
    onEvent({ type: 'alarm-delivered', id, attempts });
  }
}

/** Gives work a signal that is aborted with another one, or after a time. */
async function within(
  milliseconds: number,
  signal: AbortSignal,
  work: (limited: AbortSignal) => Promise<void>,
): Promise<void> {
  const limited = new AbortController();
  const stop = (): void => limited.abort();
  const timer = setTimeout(stop, milliseconds);
  signal.addEventListener('abort', stop, { once: true });
  try {
    await work(limited.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

/** A receiver that asks for more is asked again after an hour. */
const MOST_ASKED_MS = 3_600_000;
