import { DskdError } from '@dskd/base';

// The part of ONNX Runtime that we use: of onnxruntime-node, or onnxruntime-web in a browser. Neither has to be installed to
// compile against this package.

export interface OrtTensor {
  readonly data: unknown;
  readonly dims: readonly number[];
}

export interface OrtSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}

/** The module `onnxruntime-node` or `onnxruntime-web`. */
export interface OrtModule {
  readonly InferenceSession: {
    create(model: Uint8Array | string, options?: Readonly<Record<string, unknown>>): Promise<OrtSession>;
  };
  readonly Tensor: new (
    type: 'uint8' | 'float32',
    data: Uint8Array | Float32Array,
    dims: readonly number[],
  ) => OrtTensor;
}

/**
 * The module `onnxruntime-node`.
 * @throws {DskdError} `dependency-missing`
 */
export async function importOnnxRuntime(): Promise<OrtModule> {
  // A variable: bundlers for browsers must not follow it.
  const name = 'onnxruntime-node';
  try {
    const found = (await import(/* @vite-ignore */ name)) as { default?: OrtModule } & OrtModule;
    return found.default ?? found;
  } catch (error) {
    throw new DskdError('dependency-missing', 'Running an ONNX file needs the package onnxruntime-node.', {
      hint: 'npm install --ignore-scripts onnxruntime-node; in a browser give onnxruntime-web as the option `ort`.',
      cause: error,
    });
  }
}

/** Options of a session in Node. */
async function nodeDefaults(): Promise<Readonly<Record<string, unknown>>> {
  const name = 'node:os';
  const { availableParallelism } = (await import(/* @vite-ignore */ name)) as typeof import('node:os');
  return {
    // ONNX Runtime does not know the limits of a container, and takes as many threads as the host has cores.
    intraOpNumThreads: availableParallelism(),
    interOpNumThreads: 1,
    // Not `force_spinning_stop`: threads that rest between images leave cores to others, but two threads then take longer for
    // each image.
  };
}

export interface OnnxOptions {
  /** The module `onnxruntime-web` in a browser, or another build. Default: `onnxruntime-node`. */
  readonly ort?: OrtModule;
  /** Options of ONNX Runtime's session. Default in Node: a thread for each core that this process may use. */
  readonly session?: Readonly<Record<string, unknown>>;
}

/**
 * Loads a graph.
 * @param source of the file: its bytes, or in Node its path, which a graph needs whose values lie beside it.
 * @throws {DskdError} `artifact-invalid` for what ONNX Runtime cannot load, `dependency-missing`
 */
export async function openSession(
  source: Uint8Array | string,
  { ort: given, session: options }: OnnxOptions,
): Promise<{ readonly ort: OrtModule; readonly session: OrtSession }> {
  const ort = given ?? (await importOnnxRuntime());
  const defaults = given ? {} : await nodeDefaults();
  try {
    return { ort, session: await ort.InferenceSession.create(source, { ...defaults, ...options }) };
  } catch (error) {
    throw new DskdError('artifact-invalid', 'ONNX Runtime cannot load the file.', {
      hint: 'Export it again, or update onnxruntime-node.',
      cause: error,
    });
  }
}
