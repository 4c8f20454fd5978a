import type { BinaryReader } from '@bufbuild/protobuf/wire';
import { readMessage } from './read-message.js';

/** An input or output of an exported file. */
export interface ExportedPort {
  readonly name: string;
  readonly type: string;
  /** Sides, or the name of a side that can be any: `batch`. */
  readonly shape: readonly (number | string)[];
}

// Numbers of fields in ONNX's messages, named `MESSAGE_FIELD`. Only these are read: everything else, the weights too, is passed
// over.
const MODEL_GRAPH = 7;
const GRAPH_INPUT = 11;
const GRAPH_OUTPUT = 12;
const VALUE_NAME = 1;
const VALUE_TYPE = 2;
const TYPE_TENSOR = 1;
const TENSOR_ELEMENT = 1;
const TENSOR_SHAPE = 2;
const SHAPE_SIDE = 1;
const SIDE_VALUE = 1;
const SIDE_NAME = 2;

/** ONNX's numbers of element types, as far as exported detectors have them. */
const ELEMENT_TYPES: Readonly<Record<number, string>> = { 1: 'float32', 2: 'uint8', 6: 'int32', 7: 'int64' };

function readPort(bytes: Uint8Array): ExportedPort {
  let name = '';
  let type = '';
  const shape: (number | string)[] = [];
  const side = (reader: BinaryReader): void =>
    readMessage(reader.bytes(), {
      [SIDE_VALUE]: (value) => shape.push(Number(value.int64())),
      [SIDE_NAME]: (value) => shape.push(value.string()),
    });
  const tensor = (reader: BinaryReader): void =>
    readMessage(reader.bytes(), {
      [TENSOR_ELEMENT](value) {
        const number = value.int32();
        type = ELEMENT_TYPES[number] ?? `type ${number}`;
      },
      [TENSOR_SHAPE]: (value) => readMessage(value.bytes(), { [SHAPE_SIDE]: side }),
    });
  readMessage(bytes, {
    [VALUE_NAME](value) {
      name = value.string();
    },
    [VALUE_TYPE]: (value) => readMessage(value.bytes(), { [TYPE_TENSOR]: tensor }),
  });
  return { name, type, shape };
}

/** The inputs and outputs of an ONNX file, which must be a sound one. */
export function readPorts(bytes: Uint8Array): {
  readonly inputs: ExportedPort[];
  readonly outputs: ExportedPort[];
} {
  const inputs: ExportedPort[] = [];
  const outputs: ExportedPort[] = [];
  readMessage(bytes, {
    [MODEL_GRAPH]: (reader) =>
      readMessage(reader.bytes(), {
        [GRAPH_INPUT]: (value) => inputs.push(readPort(value.bytes())),
        [GRAPH_OUTPUT]: (value) => outputs.push(readPort(value.bytes())),
      }),
  });
  return { inputs, outputs };
}
