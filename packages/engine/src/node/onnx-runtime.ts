import { DskdError } from '@dskd/base';

/** Imports the package `onnxruntime-node`; a test gives another one. */
export type ImportRuntime = () => Promise<unknown>;

export const importRuntime: ImportRuntime = () => {
  // A variable: whoever compiles against this package need not have it.
  const name = 'onnxruntime-node';
  return import(name);
};

/**
 * Imports ONNX Runtime.
 * @throws {DskdError} `dependency-missing`
 */
export async function assertRuntime(importIt: ImportRuntime): Promise<void> {
  try {
    await importIt();
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
    throw new DskdError(
      'dependency-missing',
      isMissing
        ? 'The package onnxruntime-node is not installed.'
        : `The package onnxruntime-node cannot be loaded: ${error instanceof Error ? error.message : String(error)}`,
      {
        hint: 'npm install --ignore-scripts onnxruntime-node; or choose the engine tfjs.',
        cause: error,
      },
    );
  }
}
