import { readFile } from 'node:fs/promises';
import { DskdError, isDskdError, throwIfAborted } from '@dskd/base';
import { Gate } from './gate.js';
import { ModelVersion, type ModelEngine } from './model-version.js';

/** Starts an engine for the bytes of a model file. */
export type StartEngine = (bytes: Uint8Array, file: string, signal: AbortSignal) => Promise<ModelEngine>;

/** What happens to a model. Told to listeners of {@link Models}. */
export type ModelEvent =
  | {
      readonly type: 'model-loaded';
      readonly model: string;
      readonly version: string;
      readonly engine: 'tfjs' | 'onnx';
      /** The version that it takes the place of, if any. */
      readonly replaced: string | undefined;
      readonly seconds: number;
    }
  | { readonly type: 'model-load-failed'; readonly model: string; readonly error: unknown }
  | { readonly type: 'model-unloaded'; readonly model: string; readonly version: string };

export interface ServedModelOptions {
  readonly name: string;
  /** Path of its file. */
  readonly file: string;
  readonly gate: Gate;
  readonly start: StartEngine;
  readonly onEvent: (event: ModelEvent) => void;
}

/** The first 12 digits of the SHA-256: hashed outside of the JavaScript thread. */
async function versionOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Buffer.from(digest).toString('hex').slice(0, 12);
}

/** A model by its name: the version that answers, and how it is replaced. */
export class ServedModel {
  readonly name: string;
  readonly gate: Gate;
  #file: string;
  readonly #options: ServedModelOptions;
  readonly #closing = new AbortController();
  #version: ModelVersion | undefined;
  #failure: DskdError | undefined;
  #isUnloaded = false;
  /** Loads, lessons and unloads, one after another. */
  #changes: Promise<unknown> = Promise.resolve();
  readonly #retiring = new Set<Promise<void>>();

  constructor(options: ServedModelOptions) {
    this.#options = options;
    this.name = options.name;
    this.gate = options.gate;
    this.#file = options.file;
  }

  get file(): string {
    return this.#file;
  }

  /** The version that answers; undefined while the model is not loaded. */
  get version(): ModelVersion | undefined {
    return this.#version;
  }

  /** Whether it was unloaded on purpose: a change of its file does not load it again. */
  get isUnloaded(): boolean {
    return this.#isUnloaded;
  }

  /** Why the last load failed. A version that was loaded before it goes on. */
  get failure(): DskdError | undefined {
    return this.#failure;
  }

  /** @throws {DskdError} `model-not-found` while it is not loaded, or for another version than the one that answers. */
  current(version?: string): ModelVersion {
    const current = this.#version;
    if (!current) {
      throw new DskdError('model-not-found', `The model ${this.name} is not loaded.`, {
        hint: this.#failure
          ? `Its last load failed: ${this.#failure.message}`
          : `POST /v2/repository/models/${this.name}/load loads it.`,
      });
    }
    if (version === undefined || version === current.id) return current;
    throw new DskdError('model-not-found', `The model ${this.name} has no version ${version}.`, {
      hint: `It answers with version ${current.id}. Leave the version out for the one that is loaded.`,
      details: { version: current.id },
    });
  }

  /**
   * Loads the file; when all workers have scored an image, the new version answers. The version before finishes what it has.
   * @param file from which it is read from now on. Default: the one before.
   * @returns whether the content was new.
   * @throws {DskdError} of reading and loading; a version that was loaded goes on.
   */
  load(file?: string): Promise<boolean> {
    return this.#inTurn(async () => {
      try {
        const bytes = await this.#read(file ?? this.#file);
        this.#file = file ?? this.#file;
        return await this.#replace(bytes);
      } catch (error) {
        if (this.#closing.signal.aborted) throw error;
        this.#failure = asFailure(error);
        this.#options.onEvent({ type: 'model-load-failed', model: this.name, error });
        throw error;
      }
    });
  }

  /** @throws {DskdError} `model-not-found` if it is not loaded. */
  unload(): Promise<void> {
    return this.#inTurn(() => {
      const version = this.current();
      this.#version = undefined;
      this.#isUnloaded = true;
      this.#retire(version);
      this.#options.onEvent({ type: 'model-unloaded', model: this.name, version: version.id });
      return Promise.resolve();
    });
  }

  /**
   * Changes the file, and then answers with what was written. Waits for loads that have begun; later ones wait for it.
   * @param change is given the bytes of the file; writes the new ones and returns them.
   */
  rewrite<T>(
    change: (bytes: Uint8Array<ArrayBuffer>) => Promise<{ readonly bytes: Uint8Array; readonly result: T }>,
  ): Promise<T> {
    return this.#inTurn(async () => {
      const { bytes, result } = await change(await this.#read(this.#file));
      await this.#replace(new Uint8Array(bytes));
      return result;
    });
  }

  /** Ends all its engines, after what they have. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#changes;
    if (this.#version) this.#retire(this.#version);
    this.#version = undefined;
    await Promise.all(this.#retiring);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#changes.then(() => {
      throwIfAborted(this.#closing.signal);
      return work();
    });
    this.#changes = done.catch(() => undefined);
    return done;
  }

  async #read(file: string): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return new Uint8Array(await readFile(file));
    } catch (cause) {
      throw new DskdError('file-not-found', `Cannot read ${file}.`, {
        hint: 'Check the path, and who may read it.',
        details: { path: file },
        cause,
      });
    }
  }

  async #replace(bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const started = performance.now();
    const id = await versionOf(bytes);
    const before = this.#version;
    this.#failure = undefined;
    if (before?.id === id) return false;
    const engine = await this.#options.start(bytes, this.#file, this.#closing.signal);
    const next = new ModelVersion(id, engine);
    this.#version = next;
    this.#isUnloaded = false;
    if (before) this.#retire(before);
    this.#options.onEvent({
      type: 'model-loaded',
      model: this.name,
      version: id,
      engine: next.facts.engine,
      replaced: before?.id,
      seconds: (performance.now() - started) / 1000,
    });
    return true;
  }

  #retire(version: ModelVersion): void {
    const retired = version.retire().finally(() => this.#retiring.delete(retired));
    this.#retiring.add(retired);
  }
}

function asFailure(error: unknown): DskdError {
  if (isDskdError(error)) return error;
  return new DskdError('worker-failed', error instanceof Error ? error.message : String(error), {
    cause: error,
  });
}
