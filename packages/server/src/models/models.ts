import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { DskdError, throwIfAborted } from '@dskd/base';
import { writeFileAtomically } from '@dskd/data/node';
import type { LessonOutcome } from '@dskd/detector';
import { machineLimits, openEngine, type EngineOptions } from '@dskd/engine/node';
import { teach } from '../lessons/teach.js';
import { Gate } from './gate.js';
import type { ModelEngine } from './model-version.js';
import { checkModelName, modelNameOf } from './model-name.js';
import { ServedModel, type ModelEvent, type StartEngine } from './served-model.js';
import { watchModels } from './watch-models.js';

/** A model to be served: a file, or a file with a name. By default it has the name of the file without its ending. */
export type ModelSource = string | { readonly name: string; readonly file: string };

export interface ModelsOptions extends Pick<EngineOptions, 'engine' | 'backend' | 'imports' | 'maxPixels'> {
  /** Worker threads of each model. Default: the usable cores, divided among the models. */
  readonly workers?: number;
  /** Threads of ONNX Runtime in each worker. Default 1. */
  readonly threads?: number;
  /** Most images of a model that wait while its workers are busy. Default 4 for each worker, at least 16. */
  readonly queue?: number;
  /** The weight file of the teacher of a detector that does not contain it. */
  readonly teacher?: (bytes: Uint8Array, file: string) => Promise<Uint8Array | undefined>;
  /**
   * Watches the files of models, and loads those that change when they have settled. A path also names a folder, of which each file
   * `NAME.safetensors` or `NAME.onnx` is the model NAME, now and later.
   */
  readonly watch?: boolean | string;
  /** A file is read when it has not changed for this time. Default 500. */
  readonly settledMs?: number;
  readonly signal?: AbortSignal;
}

/** Starts an engine; a test gives another one than `openEngine`. */
export type EngineStarter = (bytes: Uint8Array, options: EngineOptions) => Promise<ModelEngine>;

type Listener = (event: ModelEvent) => void;

const SMALLEST_QUEUE = 16;
const QUEUE_PER_WORKER = 4;

/**
 * The models of a server, by their names. Made by {@link openModels}; the owner calls `close`.
 */
export class Models {
  readonly #options: ModelsOptions;
  readonly #models = new Map<string, ServedModel>();
  readonly #listeners = new Set<Listener>();
  readonly #watching = new AbortController();
  readonly #workers: number;
  readonly #start: EngineStarter;
  #watched: Promise<void> = Promise.resolve();
  #isTeaching = false;

  /** @internal Use {@link openModels}. */
  constructor(options: ModelsOptions, workers: number, start: EngineStarter) {
    this.#options = options;
    this.#workers = workers;
    this.#start = start;
  }

  /** Most pixels of an image in a file; undefined for the limit of the decoder. */
  get maxPixels(): number | undefined {
    return this.#options.maxPixels;
  }

  /** All models, also those that are not loaded, by their names. */
  get all(): readonly ServedModel[] {
    return [...this.#models.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * @param name undefined for the only model.
   * @throws {DskdError} `model-not-found`
   */
  get(name: string | undefined): ServedModel {
    const names = this.all.map((model) => model.name);
    const wanted = name ?? (names.length === 1 ? names[0] : undefined);
    const model = wanted === undefined ? undefined : this.#models.get(wanted);
    if (model) return model;
    throw new DskdError(
      'model-not-found',
      name === undefined
        ? `Got no name of a model; wanted one of the ${names.length} that are served.`
        : `There is no model ${JSON.stringify(name.slice(0, 100))}.`,
      { hint: `The models are: ${names.join(', ') || 'none'}.`, details: { models: names } },
    );
  }

  /** Tells a listener what happens to models, until what is returned is called. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Loads a file under a name: a new model, or a new version of one.
   * @throws {DskdError} `invalid-argument` (the name), and of loading.
   */
  async load(name: string, file: string): Promise<void> {
    checkModelName(name);
    let model = this.#models.get(name);
    if (!model) {
      model = this.#modelOf(name, file);
      this.#models.set(name, model);
    }
    await model.load(file);
  }

  /**
   * Teaches a model that images are good, writes its file, and then answers with what was written.
   * @param images bytes of image files.
   * @throws {DskdError} `invalid-argument` for a model that cannot learn, `queue-full` while another lesson is learned, `file-not-writable`,
   * and of decoding the images.
   */
  async teach(name: string, images: readonly Uint8Array[]): Promise<LessonOutcome> {
    const model = this.get(name);
    if (model.file.toLowerCase().endsWith('.onnx')) {
      throw new DskdError(
        'invalid-argument',
        `The model ${model.name} is an ONNX file, which cannot learn.`,
        {
          hint: 'Serve the .safetensors file that it was exported from.',
        },
      );
    }
    if (this.#isTeaching) {
      throw new DskdError('queue-full', 'Another lesson is being learned.', {
        hint: 'Send the images again when it has ended.',
        details: { retryAfter: 5 },
      });
    }
    this.#isTeaching = true;
    try {
      return await model.rewrite(async (bytes) => {
        const { imports = [], maxPixels, teacher } = this.#options;
        const taught = await teach({
          bytes,
          teacher: await teacher?.(bytes, model.file),
          images,
          imports: imports.map(String),
          maxPixels,
        });
        await writeFileAtomically(model.file, taught.bytes);
        return { bytes: taught.bytes, result: taught.outcome };
      });
    } finally {
      this.#isTeaching = false;
    }
  }

  /** Ends the watch and all engines, after what they have. */
  async close(): Promise<void> {
    this.#watching.abort();
    await this.#watched;
    await Promise.all(this.all.map((model) => model.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal Watches files and a folder. */
  watch(files: readonly string[], folder: string | undefined): void {
    const { settledMs = 500 } = this.#options;
    this.#watched = watchModels({
      files,
      folder,
      settledMs,
      signal: this.#watching.signal,
      onFile: async (file) => {
        const known = this.all.filter((model) => model.file === file);
        const ofFolder = path.dirname(file) === folder ? modelNameOf(file) : undefined;
        const names =
          known.length === 0 && ofFolder !== undefined
            ? [ofFolder]
            : known.filter((model) => !model.isUnloaded).map(({ name }) => name);
        // A failure is told as an event; what was loaded before goes on.
        for (const name of names) await this.load(name, file).catch(() => undefined);
      },
    });
  }

  #modelOf(name: string, file: string): ServedModel {
    const { queue = Math.max(SMALLEST_QUEUE, QUEUE_PER_WORKER * this.#workers) } = this.#options;
    const gate = new Gate(this.#workers, queue);
    const onEvent = (event: ModelEvent): void => {
      for (const listener of this.#listeners) listener(event);
    };
    return new ServedModel({ name, file, gate, start: this.#starter(gate), onEvent });
  }

  #starter(gate: Gate): StartEngine {
    const { engine, backend, imports, maxPixels, threads = 1, teacher } = this.#options;
    return async (bytes, file, signal) => {
      const weights = await teacher?.(bytes, file);
      return this.#start(bytes, {
        workers: this.#workers,
        // TensorFlow.js has one thread in any case.
        ...(engine !== 'tfjs' && { threads }),
        // The gate refuses what is too much; whom it let in must find a place.
        queue: gate.capacity,
        signal,
        path: file,
        ...(engine && { engine }),
        ...(backend !== undefined && { backend }),
        ...(imports && { imports }),
        ...(maxPixels !== undefined && { maxPixels }),
        ...(weights && { teacher: weights }),
      });
    };
  }
}

function sourceOf(source: ModelSource): { readonly name: string; readonly file: string } {
  if (typeof source !== 'string')
    return { name: checkModelName(source.name), file: path.resolve(source.file) };
  const name = modelNameOf(source) ?? path.basename(source).replace(/\.[^.]*$/, '');
  return { name: checkModelName(name), file: path.resolve(source) };
}

/** The model files of a folder, by the names of their models. @throws {DskdError} `file-not-found` */
async function modelFiles(folder: string): Promise<Map<string, string>> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new DskdError('file-not-found', `Cannot read the folder ${folder}.`, {
      hint: 'Check the path, and who may read it.',
      details: { path: folder },
      cause,
    });
  });
  const files = new Map<string, string>();
  for (const name of names.sort()) {
    const model = modelNameOf(name);
    if (model !== undefined) files.set(model, path.join(folder, name));
  }
  return files;
}

function assertDistinct(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  throw new DskdError('invalid-argument', `Two models have the name ${twice}.`, {
    hint: 'Give one of them another name: NAME=FILE on the command line, { name, file } in a program.',
  });
}

function assertCount(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least)) return;
  throw new DskdError(
    'invalid-argument',
    `Got ${name} ${String(value)}, wanted an integer of at least ${least}.`,
    {
      hint: `Leave ${name} out for its default.`,
    },
  );
}

/** {@link openModels} with what a test replaces. */
export async function openModelsWith(
  sources: readonly ModelSource[],
  options: ModelsOptions,
  start: EngineStarter,
): Promise<Models> {
  const { workers, queue, threads, watch = false, signal } = options;
  assertCount('workers', workers, 1);
  assertCount('queue', queue, 0);
  assertCount('threads', threads, 1);
  const named = sources.map(sourceOf);
  assertDistinct(named.map(({ name }) => name));
  const folder = typeof watch === 'string' ? path.resolve(watch) : undefined;
  const cores = Math.min(availableParallelism(), machineLimits().cores ?? Infinity);
  const share = Math.floor(cores / Math.max(1, named.length));
  const models = new Models(options, workers ?? Math.max(1, share), start);
  const stop = (): void => void models.close();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    for (const { name, file } of named) await models.load(name, file);
    for (const [name, file] of folder === undefined ? [] : await modelFiles(folder)) {
      // A damaged file among others is told by its model, which is not loaded.
      if (!named.some((model) => model.name === name)) await models.load(name, file).catch(() => undefined);
      throwIfAborted(signal);
    }
    const files = named.map(({ file }) => file);
    if (watch !== false) models.watch(files, folder);
    return models;
  } catch (error) {
    await models.close();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/**
 * Loads models, each in worker threads of its own. All of them have scored an image when this returns.
 * @param sources files of detectors (`.safetensors`, `.onnx`).
 * @returns the models; their owner calls `close`.
 * @throws {DskdError} `invalid-argument`, `file-not-found`, `aborted`, and of loading a model, except those that are found in a watched
 * folder.
 */
export function openModels(sources: readonly ModelSource[], options: ModelsOptions = {}): Promise<Models> {
  return openModelsWith(sources, options, openEngine);
}
