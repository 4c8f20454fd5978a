import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DskdError } from '@dskd/base';
import { io } from '@tensorflow/tfjs-core';

/** The files of a model in tfjs's format, in memory. */
export interface TfjsModelFiles {
  /** Argument for `tf.loadLayersModel` or `tf.loadGraphModel`, depending on the kind of model. */
  readonly handler: io.IOHandler;
  /** SHA-256 of `model.json` followed by the weight files, hexadecimal. Identifies the model as a teacher. */
  readonly sha256: string;
}

async function read(file: string): Promise<Buffer<ArrayBuffer>> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new DskdError('file-not-found', `Cannot read ${file}.`, {
      cause,
      hint: 'A tfjs model is a model.json with its weight files (.bin) beside it.',
    });
  }
}

function parse(text: string, file: string): io.ModelJSON {
  let model: Partial<io.ModelJSON> | null;
  try {
    model = JSON.parse(text) as Partial<io.ModelJSON> | null;
  } catch (cause) {
    throw new DskdError('weights-invalid', `${file} is not JSON.`, { cause });
  }
  const { modelTopology, weightsManifest } = model ?? {};
  if (!modelTopology || !Array.isArray(weightsManifest)) {
    throw new DskdError(
      'weights-invalid',
      `${file} is not a model of tfjs; wanted a JSON object with modelTopology and weightsManifest.`,
      { hint: 'tensorflowjs_converter and the save method of tfjs models write such files.' },
    );
  }
  return model as io.ModelJSON;
}

const BYTES = { float32: 4, int32: 4, complex64: 8, bool: 1, uint8: 1, uint16: 2, float16: 2 } as const;

/** Bytes of the weights, or undefined if some are strings, whose lengths are in the data. */
function bytesOf(specs: readonly io.WeightsManifestEntry[]): number | undefined {
  let bytes = 0;
  for (const { dtype, shape, quantization } of specs) {
    if (dtype === 'string') return undefined;
    bytes += shape.reduce((size, side) => size * side, BYTES[quantization?.dtype ?? dtype]);
  }
  return bytes;
}

/**
 * Reads the `model.json` of tfjs (a converted Keras model or SavedModel, or a model saved by tfjs) and the weight
 * files it names. tfjs itself can do this in browsers only.
 * @param file path of `model.json`. Paths of weight files are relative to its folder.
 * @throws {DskdError} `file-not-found`, `weights-invalid`
 */
export async function readTfjsModel(file: string): Promise<TfjsModelFiles> {
  const text = await read(file);
  const model = parse(text.toString('utf8'), file);
  const names = model.weightsManifest.flatMap(({ paths }) => paths);
  const weights = await Promise.all(names.map((name) => read(path.resolve(path.dirname(file), name))));
  const hash = createHash('sha256').update(text);
  for (const bytes of weights) hash.update(bytes);

  const specs = io.getWeightSpecs(model.weightsManifest);
  const data = Uint8Array.from(Buffer.concat(weights)).buffer;
  const wanted = bytesOf(specs) ?? data.byteLength;
  if (data.byteLength !== wanted) {
    throw new DskdError(
      'weights-invalid',
      `The weight files of ${file} hold ${data.byteLength} bytes, wanted ${wanted}.`,
      {
        hint: 'One was cut off, or belongs to another model.json.',
        details: { got: data.byteLength, wanted },
      },
    );
  }
  const artifacts = await io.getModelArtifactsForJSON(model, () => Promise.resolve([specs, data]));
  return { handler: { load: () => Promise.resolve(artifacts) }, sha256: hash.digest('hex') };
}
