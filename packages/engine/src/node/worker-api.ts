import type { Prediction } from '@dskd/detector';
import { transfer } from 'comlink';
import type { ScoreOptions } from '../crew.js';
import { inTurn } from '../turns.js';
import { readPixels, type EngineImage } from './image.js';
import { loadPredictor, type LoadedPredictor, type PredictorSpec } from './load-predictor.js';

/** What an engine calls in a worker thread: first `load`. */
export class EngineWorker {
  #loaded: LoadedPredictor | undefined;

  /** @returns the backend of TensorFlow.js; null with ONNX Runtime. */
  async load(spec: PredictorSpec): Promise<string | null> {
    this.#loaded = await loadPredictor(spec);
    return this.#loaded.backend;
  }

  async predict(image: EngineImage, options: ScoreOptions): Promise<Prediction> {
    const { predictor } = this.#loaded!;
    const pixels = await readPixels(image, predictor);
    return moved(await inTurn(() => predictor.predict(pixels, options)));
  }

  release(): void {
    this.#loaded?.release();
  }
}

/** A prediction whose maps are moved to the other thread. The mask of ignored pixels may be the detector's own: a copy is moved. */
function moved(prediction: Prediction): Prediction {
  const ignored = prediction.ignored && new Uint8Array(prediction.ignored);
  const arrays = [
    prediction.map.data,
    ignored,
    ...Object.values(prediction.branches).map(({ map }) => map?.data),
  ];
  const buffers = new Set(arrays.flatMap((array) => (array ? [array.buffer as ArrayBuffer] : [])));
  return transfer({ ...prediction, ignored }, [...buffers]);
}
