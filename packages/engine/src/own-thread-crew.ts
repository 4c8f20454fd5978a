import type { ImageInput } from '@dskd/data';
import type { Prediction, Predictor } from '@dskd/detector';
import { AT_A_TIME, type Crew, type EngineFacts, type ScoreOptions } from './crew.js';
import { inTurn } from './turns.js';

/** Brings an image to pixels for a detector. */
export type ReadPixels<Image> = (image: Image, predictor: Predictor) => ImageInput | Promise<ImageInput>;

/** Scores images in this thread, one after another. */
export class OwnThreadCrew<Image> implements Crew<Image> {
  readonly size = AT_A_TIME;
  readonly failure = undefined;
  onChange: (() => void) | undefined;
  readonly #predictor: Predictor;
  readonly #read: ReadPixels<Image>;
  readonly #release: () => void | Promise<void>;
  readonly #facts: Omit<EngineFacts, 'description'>;
  readonly #busy = new Set<Promise<Prediction>>();

  /** @param release frees the predictor and what belongs to it. */
  constructor(
    predictor: Predictor,
    facts: Omit<EngineFacts, 'description'>,
    read: ReadPixels<Image>,
    release: () => void | Promise<void>,
  ) {
    this.#predictor = predictor;
    this.#facts = facts;
    this.#read = read;
    this.#release = release;
  }

  /** The description is read anew: the threshold of a predictor in this thread can be changed. */
  get info(): EngineFacts {
    return { ...this.#facts, description: this.#predictor.description };
  }

  get room(): number {
    return this.size - this.#busy.size;
  }

  async score(image: Image, options: ScoreOptions): Promise<Prediction> {
    const prediction = this.#predict(image, options);
    this.#busy.add(prediction);
    try {
      return await prediction;
    } finally {
      this.#busy.delete(prediction);
    }
  }

  async #predict(image: Image, options: ScoreOptions): Promise<Prediction> {
    const pixels = await this.#read(image, this.#predictor);
    return inTurn(() => this.#predictor.predict(pixels, options));
  }

  /** A computation in this thread cannot be dropped. */
  async end(): Promise<void> {
    await Promise.allSettled(this.#busy);
    await this.#release();
  }
}
