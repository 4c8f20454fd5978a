import type { Sample } from '@dskd/data';
import type { EvaluationResult, ScoreMetrics } from '@dskd/metrics';
import { imageMetrics } from './image-metrics.js';
import { PixelMetricsGatherer } from './pixel-metrics.js';

/** Gathers what one score is worth, an image at a time. */
export class MetricsGatherer {
  readonly #scores: number[] = [];
  readonly pixels = new PixelMetricsGatherer();

  add(score: number): void {
    this.#scores.push(score);
  }

  /** @param samples in the order their scores were added. */
  result(samples: readonly Sample[], protocol: EvaluationResult['protocol']): ScoreMetrics {
    const image = imageMetrics(this.#scores, samples, protocol);
    const pixel = this.pixels.result();
    return { ...image, ...pixel, curves: { ...image.curves, ...pixel.curves } };
  }
}
