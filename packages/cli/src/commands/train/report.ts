import type { DskdEvent, HistoryEntry } from '@dskd/base';
import type { ImageSource } from '@dskd/data';
import { writeFileAtomically } from '@dskd/data/node';
import type { Detector } from '@dskd/detector';
import { heatScaleOf, renderReport } from '@dskd/report';
import { evaluationData, type DataChoice } from '../../open-data.js';
import { dataFacts, environmentFacts, modelFacts, modelName } from '../../output/report-facts.js';
import { shellQuote } from '../../output/shell-quote.js';

interface EvaluateCall {
  readonly model: string;
  /** What was trained on. */
  readonly data: DataChoice;
}

function callOf({ model, data }: EvaluateCall): string {
  return `${shellQuote(['dskd', 'evaluate', model])} ${evaluationData(data)} --report evaluation.html`;
}

/** Collects the losses of a training, then writes its report. */
export class TrainingReport {
  readonly #history: HistoryEntry[] = [];
  readonly #file: string;

  /** @param file path of the HTML page. It must have been checked to be writable. */
  constructor(file: string) {
    this.#file = file;
  }

  listen(event: DskdEvent): void {
    if (event.type !== 'epoch-end') return;
    const { epoch, losses, heldOut } = event;
    // Students that are trained one after the other, as with tiles, report each epoch twice.
    const index = this.#history.findIndex((entry) => entry.epoch === epoch);
    if (index < 0) this.#history.push({ epoch, losses, ...(heldOut && { heldOut }) });
    else {
      const before = this.#history[index]!;
      this.#history[index] = {
        epoch,
        losses: { ...before.losses, ...losses },
        ...(heldOut && { heldOut: { ...before.heldOut, ...heldOut } }),
      };
    }
  }

  /** @param evaluate arguments of the `dskd evaluate` that the report recommends. */
  async write(
    { description }: Detector,
    { source, evaluate, signal }: { source: ImageSource; evaluate: EvaluateCall; signal: AbortSignal },
  ): Promise<void> {
    const { threshold, calibration, inputSize } = description;
    const { model } = evaluate;
    const hasTests = source.samples.some(({ split }) => split === 'test');
    const page = renderReport({
      title: `${source.name}: training`,
      subtitle: `Detector ${model}, ${modelName(description)}, ${inputSize.join(' x ')} pixels.`,
      training: this.#history,
      calibration: {
        scores: calibration.scores,
        threshold: threshold.value,
        falseAlarmRate: threshold.falseAlarmRate,
        guaranteed: threshold.guaranteed,
        images: calibration.images,
        ...(calibration.alsoLearned !== undefined && { alsoLearned: calibration.alsoLearned }),
      },
      heatScale: heatScaleOf(calibration.scores, threshold.value),
      facts: [
        ...(hasTests ? [{ label: 'What it is worth on the test images', value: callOf(evaluate) }] : []),
        ...(await dataFacts(source, signal)),
        ...modelFacts(description),
        ...environmentFacts(),
      ],
    });
    await writeFileAtomically(this.#file, page);
  }
}
