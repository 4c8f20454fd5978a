import { create, toBinary } from '@bufbuild/protobuf';
import { DskdError } from '@dskd/base';
import {
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataType as DataType,
  TensorProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type GraphProto,
  type TensorProto,
  type ValueInfoProto,
} from 'onnx-buf';
import type { Attribute, Constant, ElementType, Graph, Node, Port } from './graph.js';

/** The operator set whose definitions our nodes follow. */
export const OPSET = 17;
/** Version of the file format that belongs to it. */
const IR_VERSION = 8;
/** Protocol Buffers hold no message of 2 GiB or more. */
const LARGEST_FILE = 2 ** 31 - 1;

const ELEMENT_TYPES: Readonly<Record<ElementType, DataType>> = {
  float32: DataType.FLOAT,
  int32: DataType.INT32,
  int64: DataType.INT64,
  bool: DataType.BOOL,
  uint8: DataType.UINT8,
};

function tensorProto(name: string, { type, shape, data }: Constant): TensorProto {
  // The format is little-endian, as all machines are that run JavaScript.
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength) as Uint8Array<ArrayBuffer>;
  return create(TensorProtoSchema, {
    name,
    dataType: ELEMENT_TYPES[type],
    dims: shape.map(BigInt),
    rawData: bytes,
  });
}

function portProto({ name, type, shape }: Port): ValueInfoProto {
  const dim = shape.map((side) => ({
    value:
      side === null
        ? ({ case: 'dimParam', value: 'batch' } as const)
        : ({ case: 'dimValue', value: BigInt(side) } as const),
  }));
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: ELEMENT_TYPES[type], shape: { dim } } } },
  });
}

function attributeProto(name: string, given: Attribute): AttributeProto {
  switch (given.kind) {
    case 'int':
      return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(given.value) });
    case 'ints':
      return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: given.value.map(BigInt) });
    case 'float':
      return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: given.value });
    case 'string':
      return create(AttributeProtoSchema, {
        name,
        type: AttributeType.STRING,
        s: new TextEncoder().encode(given.value),
      });
    case 'graph':
      return create(AttributeProtoSchema, { name, type: AttributeType.GRAPH, g: graphProto(given.value) });
  }
}

function nodeProto({ operator, inputs, outputs, attributes }: Node) {
  return create(NodeProtoSchema, {
    name: outputs[0]!,
    opType: operator,
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes).map(([name, given]) => attributeProto(name, given)),
  });
}

function graphProto({ name, inputs, outputs, nodes, constants }: Graph): GraphProto {
  return create(GraphProtoSchema, {
    name,
    node: nodes.map(nodeProto),
    initializer: [...constants].map(([key, constant]) => tensorProto(key, constant)),
    input: inputs.map(portProto),
    output: outputs.map(portProto),
  });
}

/**
 * The bytes of an ONNX file.
 * @param metadata texts by key.
 * @throws {DskdError} `not-exportable` for a model of 2 GiB or more.
 */
export function encodeModel(graph: Graph, metadata: Readonly<Record<string, string>>): Uint8Array {
  const size = [...graph.constants.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  if (size > LARGEST_FILE * 0.98) {
    throw new DskdError(
      'not-exportable',
      `The model has ${(size / 2 ** 30).toFixed(1)} GiB of values; an ONNX file holds less than 2 GiB.`,
      { hint: 'Fit with a smaller bank or subspace, or a smaller teacher.', details: { bytes: size } },
    );
  }
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(IR_VERSION),
    producerName: 'dskd',
    opsetImport: [{ domain: '', version: BigInt(OPSET) }],
    graph: graphProto(graph),
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
  return toBinary(ModelProtoSchema, model);
}
