import { readFile } from 'node:fs/promises';
import { describeValue, DskdError, throwIfAborted, type EventListener } from '@dskd/base';
import type { Crew } from '../crew.js';
import { Engine, queueLimit } from '../engine.js';
import { OwnThreadCrew } from '../own-thread-crew.js';
import { choose, type Choice, type ModelFile, type Wanted } from './choose.js';
import { readPixels, type EngineImage } from './image.js';
import { loadPredictor } from './load-predictor.js';
import { usableCores } from './machine-limits.js';
import { importRuntime, type ImportRuntime } from './onnx-runtime.js';
import { WorkerCrew } from './worker-crew.js';

export interface EngineOptions {
  /**
   * What computes. `auto`, the default, takes ONNX Runtime where `onnxruntime-node` is installed and the method can be exported,
   * else TensorFlow.js. An `.onnx` file needs ONNX Runtime.
   */
  readonly engine?: 'auto' | 'tfjs' | 'onnx';
  /** Worker threads, each with the whole detector. 0: this thread computes, which blocks it. Default 1. */
  readonly workers?: number;
  /**
   * Threads of ONNX Runtime in each worker. Default: the cores that this process may use, divided among the workers. TensorFlow.js
   * computes with one in Node.
   */
  readonly threads?: number;
  /** Most images that wait while all workers are busy. Default 4 for each worker, at least 16. */
  readonly queue?: number;
  /** Backend of TensorFlow.js, as of `selectBackend`. Default `wasm`. */
  readonly backend?: string;
  /** Images in files with more pixels are refused before they are decoded. Default: 2 ** 28, which cannot be raised. */
  readonly maxPixels?: number;
  /** Where the bytes of an `.onnx` file were read from, if it has its values in a file beside it. A path that is given is that itself. */
  readonly path?: string;
  /** Weight file of the teacher, for a detector that does not contain it: a path or the bytes. */
  readonly teacher?: string | Uint8Array;
  /**
   * Modules that this thread and each worker import before a detector is loaded: those that register methods of your own.
   * Networks and functions cannot be sent to another thread.
   */
  readonly imports?: readonly URL[];
  /**
   * Scores an image when a detector has been loaded into this thread, so that the first prediction takes no longer than the next ones.
   * Default true; false saves a prediction where only a few are made. Workers always do it.
   */
  readonly warmUp?: boolean;
  /** Ends the opening. */
  readonly signal?: AbortSignal;
  /** Is told what `auto` chose: `engine-chosen`, and again where a swap changes it. */
  readonly onEvent?: EventListener;
}

/** What a test may replace. */
export interface Internals {
  readonly importRuntime: ImportRuntime;
  /** The module that worker threads run. */
  readonly workerModule: URL;
}

const INTERNALS: Internals = { importRuntime, workerModule: new URL('./worker.js', import.meta.url) };

function wrong(name: string, value: unknown, wanted: string, hint?: string): DskdError {
  return new DskdError('invalid-argument', `Got ${name} ${describeValue(value)}, wanted ${wanted}.`, {
    hint: hint ?? `Leave ${name} out for its default.`,
  });
}

interface Settings extends Pick<Wanted, 'engine' | 'backend' | 'threads'> {
  readonly workers: number;
  readonly warmUp: boolean;
}

function settingsOf(options: EngineOptions): Settings {
  const { engine = 'auto', workers = 1, threads, backend = 'wasm', warmUp = true } = options;
  if (!['auto', 'tfjs', 'onnx'].includes(engine)) throw wrong('engine', engine, 'auto, tfjs or onnx');
  if (!Number.isInteger(workers) || workers < 0) throw wrong('workers', workers, '0 or a positive integer');
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1))
    throw wrong('threads', threads, 'a positive integer');
  if (engine === 'tfjs' && (threads ?? 1) > 1) {
    throw wrong(
      'threads',
      threads,
      '1 with the engine tfjs',
      'TensorFlow.js computes with one thread in Node. More workers score several images at a time.',
    );
  }
  return {
    engine,
    workers,
    threads: threads ?? Math.max(1, Math.floor(usableCores() / Math.max(1, workers))),
    backend,
    warmUp,
  };
}

async function readBytes(file: string | Uint8Array, what: string): Promise<Uint8Array> {
  if (typeof file !== 'string') {
    if (Object.prototype.toString.call(file) === '[object Uint8Array]') return new Uint8Array(file);
    throw wrong(what, file, 'a path, or the bytes of a file', `Give the ${what} that dskd made.`);
  }
  try {
    return new Uint8Array(await readFile(file));
  } catch (error) {
    throw new DskdError('file-not-found', `Cannot read ${file}.`, {
      hint: 'Check the path, and who may read it.',
      details: { path: file },
      cause: error,
    });
  }
}

async function crewOf(
  { spec, description, reason }: Choice,
  { workers, warmUp }: Pick<Settings, 'workers' | 'warmUp'>,
  { workerModule }: Internals,
  signal: AbortSignal | undefined,
): Promise<Crew<EngineImage>> {
  const { engine, maxPixels } = spec;
  const facts = { engine, workers, threads: engine === 'onnx' ? spec.threads : 1, reason };
  if (workers > 0) {
    return WorkerCrew.start({ spec, info: { ...facts, description }, module: workerModule }, signal);
  }
  const { predictor, backend, release } = await loadPredictor(spec, warmUp);
  const read: typeof readPixels = (image, by) => readPixels(image, by, maxPixels);
  return new OwnThreadCrew(predictor, { ...facts, backend }, read, release);
}

/** {@link openEngine} with what a test replaces. */
export async function openEngineWith(
  file: string | Uint8Array,
  options: EngineOptions,
  internals: Internals,
): Promise<Engine<EngineImage, string | Uint8Array>> {
  const { workers, warmUp, ...settings } = settingsOf(options);
  const limit = queueLimit(options.queue, workers);
  const { onEvent, maxPixels } = options;
  if (maxPixels !== undefined && !(maxPixels >= 1)) throw wrong('maxPixels', maxPixels, 'a positive number');
  const teacher = options.teacher === undefined ? undefined : await readBytes(options.teacher, 'teacher');
  const imports = (options.imports ?? []).map(String);
  let told: string | undefined;
  const open = async (model: string | Uint8Array, signal?: AbortSignal): Promise<Crew<EngineImage>> => {
    const opened: ModelFile = {
      bytes: await readBytes(model, 'model'),
      name: typeof model === 'string' ? model : options.path,
    };
    throwIfAborted(signal);
    const wanted = { ...settings, teacher, imports, inThread: workers > 0 };
    const choice = await choose(opened, wanted, internals.importRuntime);
    throwIfAborted(signal);
    const spec = { ...choice.spec, maxPixels };
    const crew = await crewOf({ ...choice, spec }, { workers, warmUp }, internals, signal);
    const { engine, reason, threads } = crew.info;
    if (settings.engine === 'auto' && engine !== told) {
      onEvent?.({ type: 'engine-chosen', engine, workers, threads: threads!, reason });
    }
    told = engine;
    return crew;
  };
  const crew = await open(file, options.signal);
  return new Engine(crew, open, limit);
}

/**
 * Loads a detector to score many images with it, in worker threads. All of them have scored an image when this returns.
 * @param file path or bytes of a `.safetensors` file of a detector, or of an `.onnx` file of `dskd export`. For ONNX Runtime a
 * detector is exported in memory, once: by a thread of its own, or without workers by this one, where nothing else may compute with
 * TensorFlow.js meanwhile.
 * @returns an engine; its owner calls `dispose`. It takes images as paths, as the bytes of files, and as pixels; and files of
 * other models for `swap`.
 * @throws {DskdError} `invalid-argument`, `file-not-found`, `dependency-missing`, `not-exportable`, `worker-failed`, `aborted`, and of
 * loading the detector.
 */
export function openEngine(
  file: string | Uint8Array,
  options: EngineOptions = {},
): Promise<Engine<EngineImage, string | Uint8Array>> {
  return openEngineWith(file, options, INTERNALS);
}
