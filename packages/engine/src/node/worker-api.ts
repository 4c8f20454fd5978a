import { DskdError } from '@dskd/base';
import type { Prediction } from '@dskd/detector';
import { transfer } from 'comlink';
import type { ScoreOptions } from '../crew.js';
import { inTurn } from '../turns.js';
import { readPixels, type EngineImage } from './image.js';
import { loadPredictor, type LoadedPredictor, type PredictorSpec } from './load-predictor.js';
import { guarded, type NativeGuard } from './native-guard.js';

/** What an engine calls in a worker thread: first `load`, last `release`. */
export class EngineWorker {
  #loaded: Promise<LoadedPredictor> | undefined;
  #guard: NativeGuard | undefined;
  #isReleased = false;
  #maxPixels: number | undefined;

  /**
   * @param guard where the computation is native code.
   * @returns the backend of TensorFlow.js; null with ONNX Runtime.
   */
  async load(spec: PredictorSpec, guard: NativeGuard | undefined): Promise<string | null> {
    this.#guard = guard;
    this.#maxPixels = spec.maxPixels;
    this.#loaded = this.#guarded(() => loadPredictor(spec, true));
    return (await this.#loaded).backend;
  }

  async predict(image: EngineImage, options: ScoreOptions): Promise<Prediction> {
    const { predictor } = await this.#loaded!;
    const pixels = await readPixels(image, predictor, this.#maxPixels);
    return inTurn(async () => {
      if (this.#isReleased) throw new DskdError('disposed', 'The engine was disposed.');
      return moved(await this.#guarded(() => predictor.predict(pixels, options)));
    });
  }

  /** Frees the detector when what is being loaded or scored is done; nothing else begins. */
  async release(): Promise<void> {
    this.#isReleased = true;
    const loaded = await this.#loaded?.catch(() => undefined);
    await inTurn(() => loaded?.release() ?? Promise.resolve());
  }

  #guarded<T>(work: () => Promise<T>): Promise<T> {
    return this.#guard ? guarded(this.#guard, work) : work();
  }
}

/** A prediction whose maps are moved to the other thread. The mask of ignored pixels may be the detector's own: a copy is moved. */
function moved(prediction: Prediction): Prediction {
  const ignored = prediction.ignored && new Uint8Array(prediction.ignored);
  const maps = [prediction.map, ...Object.values(prediction.branches).map(({ map }) => map)];
  const buffers = new Set([ignored, ...maps.map((map) => map?.data)].flatMap((array) => (array ? [array.buffer as ArrayBuffer] : []))); // prettier-ignore
  return transfer({ ...prediction, ignored }, [...buffers]);
}
