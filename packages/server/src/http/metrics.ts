import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ModelEvent } from '../models/served-model.js';
import type { Models } from '../models/models.js';
import type { Uploads } from './uploads.js';

/** Seconds: from a small network with ONNX Runtime to a full queue of large images. */
const BUCKETS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30];

/** What Prometheus reads. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests = this.#add(
    new Counter({
      name: 'dskd_http_requests_total',
      help: 'Requests that were answered, by route and status.',
      labelNames: ['route', 'status'],
      registers: [],
    }),
  );
  readonly #requestSeconds = this.#add(
    new Histogram({
      name: 'dskd_http_request_seconds',
      help: 'Time from the head of a request to its answer.',
      labelNames: ['route'],
      buckets: BUCKETS,
      registers: [],
    }),
  );
  readonly #predictionSeconds = this.#add(
    new Histogram({
      name: 'dskd_prediction_seconds',
      help: 'Time from when an image is taken to its prediction, with its waiting.',
      labelNames: ['model', 'version'],
      buckets: BUCKETS,
      registers: [],
    }),
  );
  readonly #predictions = this.#add(
    new Counter({
      name: 'dskd_predictions_total',
      help: 'Images that were scored.',
      labelNames: ['model', 'version', 'verdict'],
      registers: [],
    }),
  );
  readonly #refused = this.#add(
    new Counter({
      name: 'dskd_refused_total',
      help: 'Requests for predictions that got none, by the code of the error.',
      labelNames: ['model', 'code'],
      registers: [],
    }),
  );
  readonly #loads = this.#add(
    new Counter({
      name: 'dskd_model_loads_total',
      help: 'Loads of model files, by their outcome.',
      labelNames: ['model', 'outcome'],
      registers: [],
    }),
  );

  constructor(models: Models, uploads: Uploads) {
    collectDefaultMetrics({ register: this.#registry });
    const gauges = [
      ['dskd_queue_depth', 'Images that wait for a worker.', (gate) => gate.waiting],
      ['dskd_queue_limit', 'Most images that may wait.', (gate) => gate.queue],
      ['dskd_images_in_flight', 'Images that are scored or wait.', (gate) => gate.taken],
    ] satisfies [string, string, (gate: Models['all'][number]['gate']) => number][];
    for (const [name, help, read] of gauges) {
      this.#add(
        new Gauge({
          name,
          help,
          labelNames: ['model'],
          registers: [],
          collect() {
            this.reset();
            for (const model of models.all) this.set({ model: model.name }, read(model.gate));
          },
        }),
      );
    }
    this.#add(
      new Gauge({
        name: 'dskd_model_info',
        help: '1 for each version that answers.',
        labelNames: ['model', 'version', 'method', 'engine'],
        registers: [],
        collect() {
          this.reset();
          for (const { name: model, version } of models.all) {
            if (!version) continue;
            const { engine, description } = version.facts;
            this.set({ model, version: version.id, method: description.method, engine }, 1);
          }
        },
      }),
    );
    this.#add(
      new Gauge({
        name: 'dskd_uploads',
        help: 'Bodies of requests that are being read.',
        registers: [],
        collect() {
          this.set(uploads.size);
        },
      }),
    );
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  answered(route: string, status: number, seconds: number): void {
    this.#requests.inc({ route, status });
    this.#requestSeconds.observe({ route }, seconds);
  }

  predicted(model: string, version: string, verdict: string, seconds: number): void {
    this.#predictionSeconds.observe({ model, version }, seconds);
    this.#predictions.inc({ model, version, verdict });
  }

  refused(model: string, code: string): void {
    this.#refused.inc({ model, code });
  }

  onModelEvent(event: ModelEvent): void {
    const { type, model } = event;
    if (type === 'model-loaded') this.#loads.inc({ model, outcome: 'loaded' });
    if (type === 'model-load-failed') this.#loads.inc({ model, outcome: 'failed' });
  }

  #add<T extends Counter | Gauge | Histogram>(metric: T): T {
    this.#registry.registerMetric(metric);
    return metric;
  }
}
