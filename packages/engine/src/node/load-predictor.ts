import { DskdError, type PixelBuffer } from '@dskd/base';
import { selectBackend } from '@dskd/core/backends';
import { loadDetector, readDescription, type Detector, type Predictor } from '@dskd/detector';
import { backboneInfo, loadTeacher } from '@dskd/models';

/** A detector, and what it is to be computed with. It can be posted. */
export type PredictorSpec = (
  | {
      readonly engine: 'tfjs';
      /** Of a `.safetensors` file. */
      readonly bytes: Uint8Array;
      /** Weight file of the teacher. */
      readonly teacher: Uint8Array | undefined;
      readonly backend: string;
      /** URLs of modules that register methods. */
      readonly imports: readonly string[];
    }
  | {
      readonly engine: 'onnx';
      /** The bytes of an `.onnx` file; its path where its values lie in a file beside it. */
      readonly source: Uint8Array | string;
      readonly threads: number;
    }
) & {
  /** Larger images in files are refused before they are decoded. */
  readonly maxPixels?: number | undefined;
};

export interface LoadedPredictor<Kind extends Predictor = Predictor> {
  readonly predictor: Kind;
  /** Of TensorFlow.js; null with ONNX Runtime. */
  readonly backend: string | null;
  /** Frees the predictor and its teacher. */
  readonly release: () => void;
}

/** @throws {DskdError} `plugin-failed` */
async function importAll(modules: readonly string[]): Promise<void> {
  for (const module of modules) {
    try {
      await import(module);
    } catch (error) {
      throw new DskdError(
        'plugin-failed',
        `The module ${module} cannot be imported: ${error instanceof Error ? error.message : String(error)}`,
        { hint: 'An engine and its workers import it before they load a detector.', cause: error },
      );
    }
  }
}

/** A detector with the teacher of its own file, or that of another file. Selects the backend of this thread. */
export async function loadTfjs(
  spec: Omit<Extract<PredictorSpec, { engine: 'tfjs' }>, 'engine'>,
): Promise<LoadedPredictor<Detector>> {
  await importAll(spec.imports);
  const { name: backend } = await selectBackend(spec.backend);
  const wanted = readDescription(spec.bytes).description.teacher;
  const teacher =
    wanted && spec.teacher
      ? await loadTeacher(backboneInfo(wanted.name).name, spec.teacher, {
          levels: wanted.levels.map(({ name }) => name),
        })
      : undefined;
  try {
    const predictor = await loadDetector(spec.bytes, teacher ? { teacher } : {});
    const release = (): void => {
      predictor.dispose();
      teacher?.dispose();
    };
    return { predictor, backend, release };
  } catch (error) {
    teacher?.dispose();
    throw error;
  }
}

async function load(spec: PredictorSpec): Promise<LoadedPredictor> {
  if (spec.engine === 'tfjs') {
    const loaded = await loadTfjs(spec);
    // Their products of matrices are faster, and round as those of the training that found the threshold.
    if (loaded.backend === 'wasm') (await import('@dskd/wasm-gradients')).registerWasmGradients();
    return loaded;
  }
  const { loadOnnxDetector } = await import('@dskd/onnx/runtime');
  // Left to itself ONNX Runtime takes all cores of the host, also in a container that has fewer.
  const session = { intraOpNumThreads: spec.threads, interOpNumThreads: 1 };
  const predictor = await loadOnnxDetector(spec.source, { session });
  return { predictor, backend: null, release: () => predictor.dispose() };
}

/** An image without anything on it. */
function grayImage({ inputSize: [height, width], intensityRange }: Predictor): PixelBuffer {
  return {
    data: new Uint8Array(height * width * 3).fill(128),
    width,
    height,
    channels: 3,
    ...(intensityRange && { intensityRange }),
  };
}

/**
 * Loads a detector.
 * @param warmUp scores an image with it, so that the first one of the caller takes no longer than the others, and a detector
 * that cannot score is found out now.
 */
export async function loadPredictor(spec: PredictorSpec, warmUp: boolean): Promise<LoadedPredictor> {
  const loaded = await load(spec);
  if (!warmUp) return loaded;
  try {
    await loaded.predictor.predict(grayImage(loaded.predictor));
    return loaded;
  } catch (error) {
    loaded.release();
    throw error;
  }
}
