import { promisify } from 'node:util';
import { deflate, gzip } from 'node:zlib';
import { DskdError } from '@dskd/base';
import type { DetectorDescription, Prediction } from '@dskd/detector';
import { HEADER_LENGTH, type InferRequest } from './infer-request.js';

type Values = Float32Array | Uint8Array;

interface OutputKind {
  readonly datatype: 'FP32' | 'BOOL';
  /** Sides of one image's part. */
  readonly sides: (description: DetectorDescription) => readonly number[];
  readonly values: (predictions: readonly Prediction[]) => Values;
}

const none = (): readonly number[] => [];
const numbers =
  (read: (prediction: Prediction) => number) =>
  (predictions: readonly Prediction[]): Values =>
    Float32Array.from(predictions, read);

function joinedMaps(predictions: readonly Prediction[]): Values {
  const [{ map }] = predictions as [Prediction];
  const joined = new Float32Array(predictions.length * map.data.length);
  predictions.forEach((prediction, index) => joined.set(prediction.map.data, index * map.data.length));
  return joined;
}

/** What can be asked for, in the order in which it comes if nothing is. */
export const OUTPUTS: Readonly<Record<string, OutputKind>> = {
  score: { datatype: 'FP32', sides: none, values: numbers(({ score }) => score) },
  anomalous: {
    datatype: 'BOOL',
    sides: none,
    values: (predictions) => Uint8Array.from(predictions, ({ verdict }) => Number(verdict === 'anomalous')),
  },
  threshold: { datatype: 'FP32', sides: none, values: numbers(({ threshold }) => threshold) },
  p_value: { datatype: 'FP32', sides: none, values: numbers(({ pValue }) => pValue) },
  anomaly_map: { datatype: 'FP32', sides: ({ inputSize }) => inputSize, values: joinedMaps },
};

/** @throws {DskdError} `invalid-argument` for outputs that there are not; before anything is scored. */
export function assertOutputs({ outputs = [] }: Pick<InferRequest, 'outputs'>): void {
  const unknown = outputs.find(({ name }) => !Object.hasOwn(OUTPUTS, name));
  if (!unknown) return;
  throw new DskdError(
    'invalid-argument',
    `There is no output ${JSON.stringify(unknown.name.slice(0, 100))}.`,
    {
      hint: `Outputs are: ${Object.keys(OUTPUTS).join(', ')}.`,
    },
  );
}

export interface Inference {
  readonly model: string;
  readonly version: string;
  readonly description: DetectorDescription;
  readonly predictions: readonly Prediction[];
}

export interface InferResponse {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly headers: Readonly<Record<string, string>>;
}

const packers = { gzip: promisify(gzip), deflate: promisify(deflate) };

/** The first encoding of the header Accept-Encoding that is known. */
function encodingFor(accepted: string | undefined): keyof typeof packers | undefined {
  const names = (accepted ?? '').split(',').map((name) => name.split(';')[0]!.trim().toLowerCase());
  return names.find((name): name is keyof typeof packers => Object.hasOwn(packers, name));
}

/**
 * Writes the answer to an inference: JSON, and after it the bytes of the outputs that are wanted so.
 * @param acceptEncoding the header of the request.
 */
export async function writeInferResponse(
  { id, outputs, isBinary }: Pick<InferRequest, 'id' | 'outputs' | 'isBinary'>,
  { model, version, description, predictions }: Inference,
  acceptEncoding: string | undefined,
): Promise<InferResponse> {
  const wanted = outputs ?? Object.keys(OUTPUTS).map((name) => ({ name, isBinary }));
  const binary: Uint8Array[] = [];
  const described = wanted.map((output) => {
    const { datatype, sides, values: read } = OUTPUTS[output.name]!;
    const values = read(predictions);
    const head = { name: output.name, datatype, shape: [predictions.length, ...sides(description)] };
    if (!output.isBinary) {
      const data = datatype === 'BOOL' ? Array.from(values, (value) => value !== 0) : [...values];
      return { ...head, data };
    }
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    binary.push(bytes);
    return { ...head, parameters: { binary_data_size: bytes.length } };
  });
  const json = Buffer.from(
    JSON.stringify({
      ...(id !== undefined && { id }),
      model_name: model,
      model_version: version,
      outputs: described,
    }),
  );
  const whole = new Uint8Array(Buffer.concat([json, ...binary]));
  const encoding = encodingFor(acceptEncoding);
  return {
    body: encoding ? new Uint8Array(await packers[encoding](whole)) : whole,
    headers: {
      'Content-Type': binary.length > 0 ? 'application/octet-stream' : 'application/json',
      ...(binary.length > 0 && { [HEADER_LENGTH]: String(json.length) }),
      ...(encoding && { 'Content-Encoding': encoding, Vary: 'Accept-Encoding' }),
    },
  };
}
