import { isDskdError } from '@dskd/base';
import type { EngineImage } from '@dskd/engine/node';
import { destination, pino, type BaseLogger } from 'pino';
import type { InspectEvent } from '../inspect.js';
import type { Frame } from '../source.js';
import type { DeliveryEvent } from './delivery/delivery.js';
import type { Deliveries } from './delivery/open-deliveries.js';
import type { SpoolEvent } from './delivery/spool.js';
import type { LiveMetrics } from './metrics.js';
import { RepeatedFailure } from './repeated-failure.js';
import { Tally, type LiveSummary } from './summary.js';

/** Lines of the log. A logger of pino is one. */
export type LiveLog = Pick<BaseLogger, 'debug' | 'info' | 'warn' | 'error'>;

/** How an error is shown in a line of the log. */
function fieldsOf(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  return isDskdError(error)
    ? { message: error.message, code: error.code, hint: error.hint }
    : { message: error.message, stack: error.stack };
}

/** What the log is told of a source, beside its frames. */
export type SourceState =
  | { readonly source: string; readonly state: 'opened' }
  | { readonly source: string; readonly state: 'failed'; readonly error: string; readonly note: string };

const KEPT_TRYING =
  'it is opened again forever, after pauses of up to 15 s; while it stays away this is told every 5 minutes';

/** A run: what its events count and log. */
export class Run {
  readonly tally = new Tally();
  readonly log: LiveLog;
  readonly #metrics: LiveMetrics;
  readonly #source: string;

  readonly #failures = new RepeatedFailure();
  /** Of a source that failed and has given no frame since: why, and until when it is waited for. */
  #away: { readonly reason: string; readonly until: number } | undefined;
  readonly #onSource: ((state: SourceState) => void) | undefined;
  readonly #started = performance.now();

  /** @param onSource is told what the log is told of the source. */
  constructor(
    source: string,
    metrics: LiveMetrics,
    log: LiveLog = pino(destination({ dest: 2, sync: true })),
    onSource?: (state: SourceState) => void,
  ) {
    this.log = log;
    this.#onSource = onSource;
    this.#metrics = metrics;
    this.#source = source;
  }

  onInspect(event: InspectEvent): void {
    const source = this.#source;
    switch (event.type) {
      case 'frame-dropped':
      case 'frame-skipped': {
        const outcome = event.type === 'frame-dropped' ? 'dropped' : 'skipped';
        this.tally.frames[outcome]++;
        return this.#metrics.frame(outcome);
      }
      case 'source-opened':
        this.tally.source.opened++;
        this.#metrics.source('opened');
        this.#failures.reset();
        if (this.#away) this.#onSource?.({ source, state: 'opened' });
        this.#away = undefined;
        return this.log.info({ source }, event.type);
      case 'source-failed':
        this.tally.source.failed++;
        this.#metrics.source('failed');
        return this.#sourceFailed(event.error, event.retryMs);
    }
  }

  /** Tells of it, but not of each attempt while it is away: that would be thousands of lines a day. */
  #sourceFailed(error: unknown, retryMs: number): void {
    const source = this.#source;
    const fields = fieldsOf(error);
    const reason = String(fields.message);
    const now = performance.now();
    this.#away = { reason, until: now + retryMs };
    const untold = this.#failures.next(reason, now);
    const shown = { source, retryMs, error: fields };
    if (untold === undefined) return this.log.debug(shown, 'source-failed');
    this.log.warn(
      { ...shown, ...(untold > 0 && { failedBefore: untold }), note: KEPT_TRYING },
      'source-failed',
    );
    this.#onSource?.({ source, state: 'failed', error: reason, note: KEPT_TRYING });
  }

  onDelivery(sink: string, event: DeliveryEvent | SpoolEvent): void {
    const { type, ...fields } = event;
    const shown = { sink, ...fields, ...('error' in event && { error: fieldsOf(event.error) }) };
    if (type === 'alarm-delivered') {
      this.tally.of(sink).delivered++;
      this.#metrics.delivery(sink, 'delivered');
      return this.log.info(shown, type);
    }
    if (type === 'delivery-failed') {
      this.tally.of(sink).failed++;
      this.#metrics.delivery(sink, 'failed');
      return this.log.warn(shown, type);
    }
    if (type === 'alarm-refused') {
      this.tally.of(sink).refused++;
      this.#metrics.delivery(sink, 'refused');
      return this.log.warn(shown, type);
    }
    if (type === 'alarm-dropped') {
      this.tally.of(sink).dropped++;
      this.#metrics.delivery(sink, 'dropped');
    }
    return this.log.error(shown, type);
  }

  scored(frame: Frame<EngineImage>, score: number, isAnomalous: boolean): void {
    this.tally.frames.scored++;
    this.#metrics.scored(Math.max(0, Date.now() - frame.time) / 1000);
    this.log.debug({ frame: frame.id, score, isAnomalous }, 'frame-scored');
  }

  failed(frame: Frame<EngineImage>, error: Error): void {
    this.tally.frames.failed++;
    this.#metrics.frame('failed');
    this.log.warn({ frame: frame.id, error: fieldsOf(error) }, 'frame-failed');
  }

  raised(id: string, frame: string, score: number): void {
    this.tally.alarms++;
    this.#metrics.alarm();
    this.log.info({ id, frame, score }, 'alarm');
  }

  watch({ all }: Deliveries): void {
    this.#metrics.watch(all);
  }

  /** @param isLive whether the source gives frames whenever it is open. */
  summary({ all }: Deliveries, isLive: boolean): LiveSummary {
    const { opened, failed } = this.tally.source;
    // A folder that is there and stays empty gives no frame, either: of it only a pause before the next attempt says that it is away.
    const isAway = isLive || performance.now() < (this.#away?.until ?? 0);
    return {
      seconds: Math.round((performance.now() - this.#started) / 100) / 10,
      frames: { ...this.tally.frames },
      alarms: this.tally.alarms,
      source: { opened, failed, neverOpened: opened === 0 && isAway ? (this.#away?.reason ?? null) : null },
      sinks: all.map(({ sink, waiting }) => {
        const { delivered, failed, refused, dropped } = this.tally.of(sink.name);
        return { sink: sink.name, delivered, failedAttempts: failed, refused, dropped, waiting };
      }),
    };
  }
}
