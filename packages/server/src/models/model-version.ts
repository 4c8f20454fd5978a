import type { DetectorDescription, Prediction } from '@dskd/detector';
import type { EngineFacts, EnginePredictOptions } from '@dskd/engine';
import type { EngineImage } from '@dskd/engine/node';
import { Statistics } from './statistics.js';

/** What a version needs of an engine: the `Engine` of `openEngine` is one. */
export interface ModelEngine {
  readonly info: EngineFacts;
  predict(image: EngineImage, options: EnginePredictOptions): Promise<Prediction>;
  dispose(): Promise<void>;
}

/**
 * A model file that was loaded, with an engine of its own: an answer names the version that computed it, which a swap inside of an
 * engine would not tell.
 */
export class ModelVersion {
  readonly statistics = new Statistics();
  readonly loadedAt = new Date();
  /** A threshold that was set since the version was loaded. */
  threshold: number | undefined;
  readonly #engine: ModelEngine;
  #users = 0;
  #isRetired = false;
  #onIdle: (() => void) | undefined;

  /** @param id the first 12 digits of the SHA-256 of the file: the same on every machine. */
  constructor(
    readonly id: string,
    engine: ModelEngine,
  ) {
    this.#engine = engine;
  }

  get facts(): EngineFacts {
    return this.#engine.info;
  }

  get description(): DetectorDescription {
    return this.#engine.info.description;
  }

  get currentThreshold(): number {
    return this.threshold ?? this.description.threshold.value;
  }

  /** Keeps the version until what is returned is called. */
  use(): () => void {
    this.#users++;
    let isUsed = true;
    return () => {
      if (!isUsed) return;
      isUsed = false;
      this.#users--;
      if (this.#users === 0) this.#onIdle?.();
    };
  }

  predict(image: EngineImage, options: EnginePredictOptions): Promise<Prediction> {
    return this.#engine.predict(image, { threshold: this.currentThreshold, ...options });
  }

  /** Ends the engine when nobody uses the version any more. */
  async retire(): Promise<void> {
    if (!this.#isRetired && this.#users > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    this.#isRetired = true;
    await this.#engine.dispose();
  }
}
