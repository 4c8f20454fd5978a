import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Delivery } from './delivery/delivery.js';

/** What became of a frame. */
export type FrameOutcome = 'scored' | 'dropped' | 'skipped' | 'failed';

/** Seconds: from a small network with ONNX Runtime to a model that is too slow for its camera. */
const BUCKETS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

/** What is counted of a run, for Prometheus and for its summary. */
export class LiveMetrics {
  readonly #registry = new Registry();
  readonly #frames = this.#counter('dskd_live_frames_total', 'Frames that came, by what became of them.', [
    'outcome',
  ]);
  readonly #alarms = this.#counter('dskd_live_alarms_total', 'Alarms that were raised.', []);
  readonly #opens = this.#counter(
    'dskd_live_source_opens_total',
    'Attempts to open the source, by their outcome. A source that ended counts as failed.',
    ['outcome'],
  );
  readonly #deliveries = this.#counter(
    'dskd_live_deliveries_total',
    'Alarms that were delivered, could not be in an attempt, were refused forever, or dropped since too many waited.',
    ['sink', 'outcome'],
  );
  readonly #up = this.#add(
    new Gauge({ name: 'dskd_live_source_up', help: '1 while the source gives frames.', registers: [] }),
  );
  readonly #seconds = this.#add(
    new Histogram({
      name: 'dskd_live_frame_seconds',
      help: 'Time from when a frame came to its prediction.',
      buckets: BUCKETS,
      registers: [],
    }),
  );
  #watched: readonly Delivery[] = [];

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
    this.#ofSinks('dskd_live_alarms_waiting', 'Alarms that wait for their delivery.', 'waiting');
    this.#ofSinks(
      'dskd_live_alarms_refused',
      'Alarms that were refused forever and are set aside.',
      'refused',
    );
  }

  /** A number of each sink, as it is when it is asked for. */
  #ofSinks(name: string, help: string, number: 'waiting' | 'refused'): void {
    const deliveries = (): readonly Delivery[] => this.#watched;
    this.#add(
      new Gauge({
        name,
        help,
        labelNames: ['sink'],
        registers: [],
        collect() {
          this.reset();
          for (const delivery of deliveries()) this.set({ sink: delivery.sink.name }, delivery[number]);
        },
      }),
    );
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The metrics as Prometheus reads them. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** @internal */
  watch(deliveries: readonly Delivery[]): void {
    this.#watched = deliveries;
  }

  /** @internal */
  frame(outcome: FrameOutcome): void {
    this.#frames.inc({ outcome });
  }

  /** @internal */
  scored(seconds: number): void {
    this.frame('scored');
    this.#seconds.observe(seconds);
  }

  /** @internal */
  alarm(): void {
    this.#alarms.inc();
  }

  /** @internal */
  source(outcome: 'opened' | 'failed'): void {
    this.#opens.inc({ outcome });
    this.#up.set(outcome === 'opened' ? 1 : 0);
  }

  /** @internal */
  delivery(sink: string, outcome: 'delivered' | 'failed' | 'refused' | 'dropped'): void {
    this.#deliveries.inc({ sink, outcome });
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    return this.#add(new Counter({ name, help, labelNames, registers: [] }));
  }

  #add<T extends Counter | Gauge | Histogram>(metric: T): T {
    this.#registry.registerMetric(metric);
    return metric;
  }
}
