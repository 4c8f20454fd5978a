import { DskdError, throwIfAborted, type EventListener } from '@dskd/base';
import { prepareMask, type ImageSource, type Sample } from '@dskd/data';
import {
  auroc,
  averagePrecision,
  f1Max,
  operatingPoints,
  PixelAurocAccumulator,
  type EvaluationResult,
  type ScoredSample,
  type ScoreQuality,
} from '@dskd/metrics';
import type { Detector } from './detector.js';
import type { IgnoreMask } from './ignored-pixels.js';
import type { Prediction } from './prediction.js';

export interface EvaluateOptions {
  /** Pictures per pass. Does not change results. Default 8. */
  readonly batchSize?: number;
  /**
   * Pixels that count neither for scores nor for pixel AUROC, besides those that the detector ignores itself.
   * Labels of pictures stay: a defect that lies in it alone is still to be found.
   */
  readonly ignored?: IgnoreMask;
  readonly onEvent?: EventListener;
  readonly signal?: AbortSignal;
}

/** Gathers what one score is worth. */
class QualityGatherer {
  readonly #scores: number[] = [];
  readonly #pixels = new PixelAurocAccumulator();

  add(
    score: number,
    map: Float32Array,
    { mask, ignored }: { readonly mask: Uint8Array | undefined; readonly ignored: Uint8Array | null },
  ): void {
    this.#scores.push(score);
    if (mask) this.#pixels.add({ map, mask, ...(ignored && { ignored }) });
  }

  result(samples: readonly Sample[]): ScoreQuality {
    const labels = samples.map(({ label }) => (label === 'anomalous' ? 1 : 0));
    const byDefect: Record<string, number> = {};
    for (const type of new Set(samples.filter((s) => s.label === 'anomalous').map((s) => s.defectType))) {
      const chosen = samples.map((s) => s.label === 'good' || s.defectType === type);
      const pick = (values: readonly number[]): number[] => values.filter((_, index) => chosen[index]);
      byDefect[type] = auroc(pick(this.#scores), pick(labels));
    }
    const points = operatingPoints(this.#scores, labels);
    const { truePositives: positives, falsePositives: negatives } = points.at(-1)!;
    const flagged = points.slice(1);
    const recall = (list: typeof points): number[] => list.map((point) => point.truePositives / positives);
    return {
      imageAuroc: auroc(this.#scores, labels),
      imageAveragePrecision: averagePrecision(this.#scores, labels),
      imageF1Max: f1Max(this.#scores, labels).f1,
      imageAurocByDefect: byDefect,
      pixelAuroc: this.#pixels.result().auroc,
      pixelAveragePrecision: NaN,
      auPro: null,
      auSpro: {},
      auSproByDefect: {},
      curves: {
        roc: { x: points.map((point) => point.falsePositives / negatives), y: recall(points) },
        precisionRecall: {
          x: recall(flagged),
          y: flagged.map((point) => point.truePositives / (point.truePositives + point.falsePositives)),
        },
        pro: null,
        spro: {},
      },
    };
  }
}

async function maskOf(sample: Sample, { inputSize, description }: Detector): Promise<Uint8Array | undefined> {
  const [height, width] = inputSize;
  if (sample.label === 'good') return new Uint8Array(height * width);
  if (!sample.loadMask) return undefined;
  return prepareMask(await sample.loadMask(), { height, width, fit: description.resize.fit });
}

/**
 * Scores the test split of `source` and compares with its labels and masks.
 * @throws {DskdError} `dataset-invalid` (no test pictures), `image-unreadable`, `aborted`.
 */
export async function evaluateDetector(
  detector: Detector,
  source: ImageSource,
  { batchSize = 8, ignored, onEvent, signal }: EvaluateOptions = {},
): Promise<EvaluationResult> {
  const samples = source.samples.filter(({ split }) => split === 'test');
  if (samples.length === 0) {
    throw new DskdError('dataset-invalid', `${source.name} has no test pictures to evaluate on.`, {
      hint: 'An MVTec AD folder has them under test/good and test/<defect>.',
    });
  }
  const fused = new QualityGatherer();
  const branches = new Map(detector.description.branches.map(({ name }) => [name, new QualityGatherer()]));
  const scored: ScoredSample[] = [];
  let withMask = 0;
  for (let start = 0; start < samples.length; start += batchSize) {
    throwIfAborted(signal);
    const chunk = samples.slice(start, start + batchSize);
    const predictions = await detector.predict(await Promise.all(chunk.map((sample) => sample.load())), {
      batchSize,
      ...(ignored && { ignored }),
    });
    for (const [index, prediction] of predictions.entries()) {
      const sample = chunk[index]!;
      const mask = await maskOf(sample, detector);
      if (mask && sample.label === 'anomalous') withMask++;
      const pixels = { mask, ignored: prediction.ignored };
      fused.add(prediction.score, prediction.map.data, pixels);
      const branchScores: Record<string, number> = {};
      for (const [name, branch] of Object.entries(prediction.branches)) {
        branches.get(name)!.add(branch.score, branch.map.data, pixels);
        branchScores[name] = branch.score;
      }
      const { id, label, defectType } = sample;
      scored.push({
        id,
        label,
        defectType,
        score: prediction.score,
        branchScores,
        verdict: prediction.verdict,
      });
      onEvent?.({
        type: 'image-scored',
        id,
        index: scored.length - 1,
        total: samples.length,
        score: prediction.score,
      });
    }
  }
  const count = (label: Sample['label'], verdict?: Prediction['verdict']): number =>
    scored.filter((s) => s.label === label && (verdict === undefined || s.verdict === verdict)).length;
  return {
    source: source.name,
    protocol: 'mvtec-ad',
    pictures: { good: count('good'), anomalous: count('anomalous'), withMask },
    fused: fused.result(samples),
    branches: Object.fromEntries([...branches].map(([name, gatherer]) => [name, gatherer.result(samples)])),
    atThreshold: {
      threshold: detector.threshold,
      falseAlarms: count('good', 'anomalous'),
      misses: count('anomalous', 'normal'),
    },
    samples: scored,
  };
}
