import type { Sample } from '@dskd/data';
import type { EvaluationResult, ScoreQuality } from '@dskd/metrics';
import { imageQuality } from './image-quality.js';
import { PixelQualityGatherer } from './pixel-quality.js';

/** Gathers what one score is worth, a picture at a time. */
export class QualityGatherer {
  readonly #scores: number[] = [];
  readonly pixels = new PixelQualityGatherer();

  add(score: number): void {
    this.#scores.push(score);
  }

  /** @param samples in the order their scores were added. */
  result(samples: readonly Sample[], protocol: EvaluationResult['protocol']): ScoreQuality {
    const image = imageQuality(this.#scores, samples, protocol);
    const pixel = this.pixels.result();
    return { ...image, ...pixel, curves: { ...image.curves, ...pixel.curves } };
  }
}
