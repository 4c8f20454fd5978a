import { z } from '@hono/zod-openapi';
import { DskdError } from '@dskd/base';
import type { EngineImage } from '@dskd/engine/node';
import { parseJson } from '../http/images.js';
import { checked } from '../http/schemas.js';
import { bytesElements, bytesOfBase64, pixelsOf, uint8Values } from './tensors.js';

/** Name of the header that has the length of the JSON part. */
export const HEADER_LENGTH = 'Inference-Header-Content-Length';

const parametersSchema = z.record(z.string(), z.unknown());
const shapeSchema = z.array(z.int().min(0)).max(8);

export const inferRequestSchema = z
  .object({
    id: z.string().max(1000).optional(),
    parameters: parametersSchema.optional().openapi({
      description:
        '`threshold`: a higher score is anomalous. `binary_data_output`: whether outputs are binary.',
    }),
    inputs: z.array(
      z.object({
        name: z.string().openapi({ description: '`images` or `image_bytes`.' }),
        shape: shapeSchema,
        datatype: z.string(),
        parameters: parametersSchema.optional(),
        // Not looked at one by one: there may be millions.
        data: z
          .custom<readonly unknown[]>((value) => Array.isArray(value), 'expected an array')
          .optional()
          .openapi({ type: 'array', items: {} }),
      }),
    ),
    outputs: z.array(z.object({ name: z.string(), parameters: parametersSchema.optional() })).optional(),
  })
  .openapi('InferRequest');

type Input = z.output<typeof inferRequestSchema>['inputs'][number];

/** A wanted output. */
export interface WantedOutput {
  readonly name: string;
  readonly isBinary: boolean;
}

/** A request for an inference. */
export interface InferRequest {
  readonly id: string | undefined;
  readonly images: readonly EngineImage[];
  readonly threshold: number | undefined;
  /** Undefined for all. */
  readonly outputs: readonly WantedOutput[] | undefined;
  /** Of outputs that do not say it themselves. */
  readonly isBinary: boolean;
}

function wrong(message: string, hint?: string): DskdError {
  return new DskdError('invalid-argument', message, hint === undefined ? {} : { hint });
}

/** The JSON part and the bytes after it. */
function parts(
  bytes: Uint8Array,
  header: string | undefined,
): { readonly json: Uint8Array; readonly binary: Uint8Array } {
  if (header === undefined) return { json: bytes, binary: bytes.subarray(bytes.length) };
  const length = /^\d{1,15}$/.test(header) ? Number(header) : NaN;
  if (!(length <= bytes.length)) {
    throw wrong(
      `Got ${HEADER_LENGTH} ${JSON.stringify(header.slice(0, 50))} for a body of ${bytes.length} bytes.`,
      'It is the length of the JSON part, in bytes, before any compression.',
    );
  }
  return { json: bytes.subarray(0, length), binary: bytes.subarray(length) };
}

/** The bytes of each input that has them after the JSON part, in order. */
function binaryInputs(inputs: readonly Input[], binary: Uint8Array): (Uint8Array | undefined)[] {
  let at = 0;
  const taken = inputs.map(({ name, parameters }) => {
    const size = parameters?.binary_data_size;
    if (size === undefined) return undefined;
    if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || at + size > binary.length) {
      throw wrong(
        `Got binary_data_size ${JSON.stringify(size)} for the input ${JSON.stringify(name.slice(0, 100))}; ${binary.length - at} bytes are left.`,
      );
    }
    at += size;
    return binary.subarray(at - size, at);
  });
  if (at !== binary.length) throw wrong(`Got ${binary.length - at} bytes after the last input.`);
  return taken;
}

function imagesOfInput(
  { name, shape, datatype, parameters, data }: Input,
  binary: Uint8Array | undefined,
): EngineImage[] {
  if (parameters && 'shared_memory_region' in parameters) {
    throw wrong('Got an input in shared memory, which this server does not have.', 'Send its data.');
  }
  if (binary === undefined && data === undefined) throw wrong(`The input ${name.slice(0, 100)} has no data.`);
  if (name === 'image_bytes' && datatype === 'BYTES') {
    const count = shape.reduce((product, side) => product * side, 1);
    return binary ? bytesElements(binary, count) : bytesOfBase64(data!, count);
  }
  if (name === 'images' && datatype === 'UINT8') return pixelsOf(binary ?? uint8Values(data!, shape), shape);
  throw wrong(
    `Got the input ${JSON.stringify(name.slice(0, 100))} of the type ${JSON.stringify(datatype.slice(0, 20))}.`,
    'Inputs are image_bytes of the type BYTES (files of images) and images of the type UINT8 (pixels).',
  );
}

/** Inputs and outputs of a request: there are never more. */
const MOST_TENSORS = 16;

/** @throws {DskdError} `invalid-argument` for lists that are too long to be looked at one by one. */
function assertLists(request: unknown): void {
  const { inputs, outputs } = (request ?? {}) as { readonly inputs?: unknown; readonly outputs?: unknown };
  for (const list of [inputs, outputs]) {
    if (Array.isArray(list) && list.length > MOST_TENSORS) {
      throw wrong(`Got ${list.length} inputs or outputs, wanted at most ${MOST_TENSORS}.`);
    }
  }
}

function flagOf(value: unknown, name: string, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  if (typeof value === 'boolean') return value;
  throw wrong(`Got ${name} ${JSON.stringify(value).slice(0, 50)}, wanted true or false.`);
}

/**
 * Reads the body of an inference.
 * @param header the value of {@link HEADER_LENGTH}, if there is one.
 * @throws {DskdError} `invalid-argument`
 */
export function readInferRequest(bytes: Uint8Array, header: string | undefined): InferRequest {
  // A raw binary request: the body is the one element of the one input.
  if (header === '0') {
    return { id: undefined, images: [bytes], threshold: undefined, outputs: undefined, isBinary: true };
  }
  const { json, binary } = parts(bytes, header);
  const request = parseJson(json);
  assertLists(request);
  const { id, inputs, outputs, parameters = {} } = checked(inferRequestSchema, request, 'The request');
  if (inputs.length !== 1) throw wrong(`Got ${inputs.length} inputs, wanted one: images or image_bytes.`);
  const [input] = inputs;
  const images = imagesOfInput(input!, binaryInputs(inputs, binary)[0]);
  if (images.length === 0) throw wrong('Got no image.');
  const { threshold } = parameters;
  if (threshold !== undefined && (typeof threshold !== 'number' || !Number.isFinite(threshold))) {
    throw wrong(`Got threshold ${JSON.stringify(threshold).slice(0, 50)}, wanted a number.`);
  }
  const isBinary = flagOf(parameters.binary_data_output, 'binary_data_output', false);
  const wanted = outputs?.map((output): WantedOutput => {
    const { name, parameters: own = {} } = output;
    if ('shared_memory_region' in own || (own.classification !== undefined && own.classification !== 0)) {
      throw wrong(
        `The output ${name.slice(0, 100)} is wanted in shared memory or as classes; neither is supported.`,
      );
    }
    return { name, isBinary: flagOf(own.binary_data, 'binary_data', isBinary) };
  });
  return { id, images, threshold, outputs: wanted?.length === 0 ? undefined : wanted, isBinary };
}
