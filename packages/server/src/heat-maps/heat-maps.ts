import { DskdError } from '@dskd/base';
import type { IntensityRange } from '@dskd/data';
import type { DetectorDescription, Prediction } from '@dskd/detector';
import { heatScaleOf, type HeatScale } from '@dskd/report';
import { WorkerThread } from '@dskd/training/node';

/** What one heat map is drawn of. It can be posted. */
export interface HeatMapJob {
  /** Bytes of the image file. */
  readonly image: Uint8Array;
  readonly prediction: Pick<Prediction, 'map' | 'content'>;
  readonly scale: HeatScale;
  readonly intensityRange: IntensityRange | undefined;
  readonly maxPixels: number | undefined;
}

/** What the thread of `worker.ts` offers. */
export interface HeatMapWorker {
  draw(job: HeatMapJob): Promise<Uint8Array>;
}

/** Draws heat maps over images, in a thread of its own that is started when the first one is asked for. */
export class HeatMaps {
  readonly #maxPixels: number | undefined;
  #thread: WorkerThread<HeatMapWorker> | undefined;

  constructor(maxPixels: number | undefined) {
    this.#maxPixels = maxPixels;
  }

  /**
   * @param prediction of the image, by a detector with `description`.
   * @returns a PNG of the size of the image. All images of a detector have the same scale of colors.
   * @throws {DskdError} `image-unreadable`, `worker-failed`
   */
  draw(image: Uint8Array, prediction: Prediction, description: DetectorDescription): Promise<Uint8Array> {
    const { map, content, threshold } = prediction;
    const job: HeatMapJob = {
      image,
      prediction: { map, content },
      scale: heatScaleOf(description.calibration.scores, threshold),
      intensityRange: description.intensityRange,
      maxPixels: this.#maxPixels,
    };
    return this.#running().call((worker) => worker.draw(job));
  }

  async close(): Promise<void> {
    await this.#thread?.end(new DskdError('disposed', 'The server has ended.'));
  }

  #running(): WorkerThread<HeatMapWorker> {
    this.#thread ??= new WorkerThread<HeatMapWorker>({
      module: new URL('./worker.js', import.meta.url),
      name: 'The thread of heat maps',
      // The next heat map starts another one.
      onEnd: () => (this.#thread = undefined),
    });
    return this.#thread;
  }
}
