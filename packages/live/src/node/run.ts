import { isDskdError } from '@dskd/base';
import type { EngineImage } from '@dskd/engine/node';
import { destination, pino, type BaseLogger } from 'pino';
import type { InspectEvent } from '../inspect.js';
import type { Frame } from '../source.js';
import type { DeliveryEvent } from './delivery/delivery.js';
import type { Deliveries } from './delivery/open-deliveries.js';
import type { SpoolEvent } from './delivery/spool.js';
import type { LiveMetrics } from './metrics.js';
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

/** A run: what its events count and log. */
export class Run {
  readonly tally = new Tally();
  readonly log: LiveLog;
  readonly #metrics: LiveMetrics;
  readonly #source: string;

  readonly #started = performance.now();

  /** @param log default: lines of JSON on standard error. */
  constructor(
    source: string,
    metrics: LiveMetrics,
    log: LiveLog = pino(destination({ dest: 2, sync: true })),
  ) {
    this.log = log;
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
        return this.log.info({ source }, event.type);
      case 'source-failed':
        this.tally.source.failed++;
        this.#metrics.source('failed');
        return this.log.warn({ source, retryMs: event.retryMs, error: fieldsOf(event.error) }, event.type);
    }
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

  summary({ all }: Deliveries): LiveSummary {
    return {
      seconds: Math.round((performance.now() - this.#started) / 100) / 10,
      frames: { ...this.tally.frames },
      alarms: this.tally.alarms,
      source: { ...this.tally.source },
      sinks: all.map(({ sink, waiting }) => {
        const { delivered, failed, dropped } = this.tally.of(sink.name);
        return { sink: sink.name, delivered, failedAttempts: failed, dropped, waiting };
      }),
    };
  }
}
