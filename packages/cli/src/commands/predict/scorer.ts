import { DskdError, type PixelBuffer } from '@dskd/base';
import type { Detector, DetectorDescription, Prediction } from '@dskd/detector';
import { engineOf, type EnginePredictOptions } from '@dskd/engine';
import { openEngine } from '@dskd/engine/node';
import { embeddedTeacherFor, isExported, loadModel, readModel, startThreads } from '../../models.js';
import { progressRenderer } from '../../output/progress.js';
import { pluginModules } from '../../plugins.js';
import type { PredictOptions } from '../predict.js';

/** What scores the images of the command. */
export interface Scorer {
  readonly description: DetectorDescription;
  /** The detector itself, where regions are to be explained. */
  readonly detector: Detector | undefined;
  /** Images that it is busy with at a time. */
  readonly atATime: number;
  readonly predict: (image: string | PixelBuffer, options: EnginePredictOptions) => Promise<Prediction>;
  readonly dispose: () => Promise<void>;
}

/** Patches are compared in the model, which an engine in other threads, or an exported file, does not give. */
function refuseWithExplain(model: string, { engine, workers }: PredictOptions): void {
  const got =
    engine === 'onnx'
      ? '--engine onnx'
      : isExported(model)
        ? `the ONNX file ${model}`
        : workers > 0
          ? `--workers ${workers}`
          : undefined;
  if (got === undefined) return;
  throw new DskdError('invalid-argument', `Got --explain with ${got}: it needs the model in this thread.`, {
    hint: 'Give the .safetensors file, with --engine tfjs or auto and without --workers; or leave --explain out.',
  });
}

/** Starting threads of the wasm kernels takes about as long as they save on so many images. */
const FEW_FOR_THREADS = 8;

/** One for a few images; undefined: as many as is the default. */
const threadsFor = (images: number): 1 | undefined => (images < FEW_FOR_THREADS ? 1 : undefined);

async function explainingScorer(model: string, options: PredictOptions, images: number): Promise<Scorer> {
  refuseWithExplain(model, options);
  const { detector, dispose } = await loadModel(model, options);
  const threads = await startThreads(options.backend, options.threads ?? threadsFor(images));
  if (options.engine === 'auto') {
    progressRenderer(options)({
      type: 'engine-chosen',
      engine: 'tfjs',
      workers: 0,
      threads: threads.threads,
      reason: '--explain needs the model itself',
    });
  }
  const engine = engineOf(detector);
  return {
    description: detector.description,
    detector,
    atATime: 2,
    predict: (image, each) => engine.predict(image as PixelBuffer, each),
    async dispose() {
      await engine.dispose();
      dispose();
      await threads.end();
    },
  };
}

/** Exporting takes about as long as TensorFlow.js loses on so many images. */
const FEW_IMAGES = 16;

/**
 * The engine for `auto`, with the reason: for a few images an export would take longer than it saves; and its threads, where they are
 * not as the engine chooses.
 */
export function engineFor(
  model: string,
  {
    engine,
    workers,
    threads,
  }: Pick<PredictOptions, 'engine' | 'workers'> & Partial<Pick<PredictOptions, 'threads'>>,
  images: number,
): {
  readonly engine: PredictOptions['engine'];
  readonly threads?: number | undefined;
  readonly reason?: string;
} {
  if (engine === 'onnx' || isExported(model) || workers > 0) return { engine, threads };
  const ownThreads = threads ?? threadsFor(images);
  if (engine === 'tfjs' || images >= FEW_IMAGES) return { engine, threads: ownThreads };
  return {
    engine: 'tfjs',
    threads: ownThreads,
    reason: `of fewer than ${FEW_IMAGES} images an export for ONNX Runtime takes longer than it saves`,
  };
}

/**
 * Loads the model for the engine that was asked for; with `auto` it says which one that is.
 * @param images how many there are, Infinity where that is not known.
 */
export async function openScorer(
  model: string,
  options: PredictOptions,
  images: number,
  signal: AbortSignal,
): Promise<Scorer> {
  if (options.explain) return explainingScorer(model, options, images);
  const { workers, backend, weights, plugin } = options;
  const { engine: kind, threads, reason } = engineFor(model, options, images);
  const onEvent = progressRenderer(options);
  const bytes = await readModel(model);
  const teacher = weights ?? (await embeddedTeacherFor(bytes, model));
  const engine = await openEngine(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length), {
    path: model,
    engine: kind,
    workers,
    backend,
    // A prediction in advance makes the first of many images faster; here the user waits for that one, too.
    warmUp: false,
    signal,
    // This thread has them already.
    imports: await pluginModules(plugin),
    onEvent,
    ...(threads !== undefined && { threads }),
    ...(teacher !== undefined && { teacher }),
  });
  if (reason !== undefined) {
    onEvent({ type: 'engine-chosen', engine: 'tfjs', workers: 0, threads: engine.info.threads!, reason });
  }
  return {
    description: engine.info.description,
    detector: undefined,
    atATime: 2 * Math.max(1, workers),
    predict: (image, each) => engine.predict(image, each),
    dispose: () => engine.dispose(),
  };
}
