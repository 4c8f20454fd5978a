import { assertWritable, encodeImage, writeFileAtomically } from '@dskd/data/node';
import type { ImageSource } from '@dskd/data';
import type { Detector, EvaluatedImage } from '@dskd/detector';
import type { EvaluationResult } from '@dskd/metrics';
import { GalleryCollector, heatScaleOf, makePanels, renderReport } from '@dskd/report';
import { explanationOf } from './explanation.js';
import { dataFacts, environmentFacts, modelFacts, modelName } from '../../output/report-facts.js';

const SEED = 1;

/** Collects the images of a report during an evaluation, then writes it. */
export class EvaluationReport {
  readonly #gallery = new GalleryCollector({ seed: SEED });
  readonly #file: string;
  readonly #model: string;

  /**
   * @param file path of the HTML page.
   * @param model path of the model, for the subtitle.
   */
  private constructor(file: string, model: string) {
    this.#file = file;
    this.#model = model;
  }

  /** @throws {DskdError} `file-not-writable`, before any work. */
  static async to(file: string, model: string): Promise<EvaluationReport> {
    await assertWritable(file);
    return new EvaluationReport(file, model);
  }

  /** @param source that the image is from. */
  async add(
    detector: Detector,
    { sample, image, prediction, maps, mask }: EvaluatedImage,
    source: ImageSource,
  ): Promise<void> {
    const { id, label, defectType } = sample;
    const { score, verdict, branches } = prediction;
    const branchScores = Object.fromEntries(
      Object.entries(branches).map(([name, branch]) => [name, branch.score]),
    );
    await this.#gallery.consider({ id, label, defectType, score, verdict, branchScores }, async () => {
      const panels = await makePanels(
        { image: image, ...maps, ...(mask && { mask }) },
        {
          scale: scaleOf(detector),
          fusion: detector.description.fusion.rule,
          images: this.#gallery.capacity,
          encode: (panel) => encodeImage(panel, { format: 'webp' }),
        },
      );
      const explanation = await explanationOf(detector, source, { image, prediction });
      return { ...panels, ...(explanation && { explanation }) };
    });
  }

  async write(
    detector: Detector,
    {
      evaluation,
      source,
      signal,
    }: { evaluation: EvaluationResult; source: ImageSource; signal: AbortSignal },
  ): Promise<void> {
    const { description } = detector;
    const names = description.branches.map(({ name }) => name).join(' and ');
    const page = renderReport({
      title: `${source.name}: evaluation`,
      subtitle: `Detector ${this.#model} (${names}), ${modelName(description)}, ${description.inputSize.join(' x ')} pixels.`,
      evaluation,
      gallery: this.#gallery.images(),
      heatScale: scaleOf(detector),
      fusion: description.fusion.rule,
      facts: [
        ...(await dataFacts(source, signal)),
        ...modelFacts(description),
        { label: 'Random sample', value: `seed ${SEED}` },
        ...environmentFacts(),
      ],
    });
    await writeFileAtomically(this.#file, page);
  }
}

function scaleOf({ description, threshold }: Detector): ReturnType<typeof heatScaleOf> {
  return heatScaleOf(description.calibration.scores, threshold);
}
