import path from 'node:path';
import { DskdError, isDskdError } from '@dskd/base';
import { readDescription, type DetectorDescription } from '@dskd/detector';
import { exported } from './export-model.js';
import type { PredictorSpec } from './load-predictor.js';
import { assertRuntime, type ImportRuntime } from './onnx-runtime.js';

export interface Wanted {
  readonly engine: 'auto' | 'tfjs' | 'onnx';
  readonly backend: string;
  readonly threads: number;
  /** Weight file of the teacher. */
  readonly teacher: Uint8Array | undefined;
  /** URLs of modules that register methods. */
  readonly imports: readonly string[];
  /** Whether a thread of its own exports the detector, so that the caller's goes on. */
  readonly inThread: boolean;
}

export interface Choice {
  readonly spec: PredictorSpec;
  readonly description: DetectorDescription;
  readonly reason: string;
}

/** The bytes of a file, and its path if it has one. */
export interface ModelFile {
  readonly bytes: Uint8Array;
  readonly name: string | undefined;
}

/** Whether the bytes begin as a `.safetensors` file does: the length of a header, and the header, which is JSON. */
function isSafetensors(bytes: Uint8Array): boolean {
  if (bytes.length < 9 || bytes[8] !== 0x7b) return false;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  return length <= BigInt(bytes.length - 8);
}

/** By its content; by its name, if it is neither, so that the error names what was meant. */
function isOnnx({ bytes, name }: ModelFile): boolean {
  if (isSafetensors(bytes)) return false;
  // An ONNX file begins with its version: a field of the number 1, of the type varint.
  return bytes[0] === 0x08 || name?.toLowerCase().endsWith('.onnx') === true;
}

/**
 * Decides what computes a detector.
 * @throws {DskdError} `dependency-missing`, `not-exportable` where ONNX Runtime was asked for; `invalid-argument` for an ONNX file
 * and TensorFlow.js; and of reading the file.
 */
export async function choose(file: ModelFile, wanted: Wanted, importRuntime: ImportRuntime): Promise<Choice> {
  const { bytes } = file;
  const { engine, backend, threads, teacher, imports } = wanted;
  if (isOnnx(file)) {
    const { readExported } = await import('@dskd/onnx');
    const { description, externalData } = readExported(bytes);
    if (engine === 'tfjs') {
      throw new DskdError('invalid-argument', 'Got an ONNX file for the engine tfjs.', {
        hint: 'Give the .safetensors file that it was exported from, or choose the engine onnx.',
      });
    }
    await assertRuntime(importRuntime);
    // Bytes without a path are refused where they are loaded.
    const source = externalData && file.name !== undefined ? path.resolve(file.name) : bytes;
    return { spec: { engine: 'onnx', source, threads }, description, reason: 'the file is an ONNX file' };
  }
  const { description } = readDescription(bytes);
  const tfjs = (reason: string): Choice => ({
    spec: { engine: 'tfjs', bytes, teacher, backend, imports },
    description,
    reason,
  });
  if (engine === 'tfjs') return tfjs('it was asked for');
  try {
    await assertRuntime(importRuntime);
    const spec = { engine: 'onnx', source: await exported({ bytes, ...wanted }), threads } as const;
    return {
      spec,
      description,
      reason: engine === 'onnx' ? 'it was asked for' : 'onnxruntime-node is installed',
    };
  } catch (error) {
    const isUnavailable = isDskdError(error, 'dependency-missing') || isDskdError(error, 'not-exportable');
    if (engine === 'onnx' || !isUnavailable) throw error;
    return tfjs(error.message.replace(/\.$/, ''));
  }
}
