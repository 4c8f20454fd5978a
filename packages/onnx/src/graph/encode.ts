import { create, toBinary } from '@bufbuild/protobuf';
import { DskdError } from '@dskd/base';
import {
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataLocation as DataLocation,
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
/** Protocol Buffers hold no message of 2 GiB or more. Some of it is for what is no value. */
export const MOST_VALUES = Math.floor((2 ** 31 - 1) * 0.98);

/** Where values lie in a file beside the model. */
export interface ExternalPlace {
  /** Name of the file, in the folder of the model. */
  readonly location: string;
  /** In bytes. */
  readonly offset: number;
  readonly length: number;
}

const ELEMENT_TYPES: Readonly<Record<ElementType, DataType>> = {
  float32: DataType.FLOAT,
  int32: DataType.INT32,
  int64: DataType.INT64,
  bool: DataType.BOOL,
  uint8: DataType.UINT8,
};

/** The values as a file holds them. The format is little-endian, as all machines are that run JavaScript. */
export function bytesOf({ data }: Constant): Uint8Array<ArrayBuffer> {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength) as Uint8Array<ArrayBuffer>;
}

/** The bytes of all values of a graph. */
export function bytesOfValues({ constants }: Graph): number {
  return [...constants.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
}

function tensorProto(name: string, constant: Constant, outside?: ExternalPlace): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dataType: ELEMENT_TYPES[constant.type],
    dims: constant.shape.map(BigInt),
    ...(outside
      ? {
          dataLocation: DataLocation.EXTERNAL,
          externalData: Object.entries(outside).map(([key, value]) => ({ key, value: String(value) })),
        }
      : { rawData: bytesOf(constant) }),
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

type Places = ReadonlyMap<string, ExternalPlace>;

function graphProto({ name, inputs, outputs, nodes, constants }: Graph, outside?: Places): GraphProto {
  return create(GraphProtoSchema, {
    name,
    node: nodes.map(nodeProto),
    initializer: [...constants].map(([key, constant]) => tensorProto(key, constant, outside?.get(key))),
    input: inputs.map(portProto),
    output: outputs.map(portProto),
  });
}

/**
 * The bytes of an ONNX file.
 * @param metadata texts by key.
 * @param outside constants of which the file says only where their values lie.
 * @throws {DskdError} `not-exportable` for a file of 2 GiB or more.
 */
export function encodeModel(
  graph: Graph,
  metadata: Readonly<Record<string, string>>,
  outside: Places = new Map(),
): Uint8Array {
  const within = [...outside.values()].reduce((rest, { length }) => rest - length, bytesOfValues(graph));
  if (within > MOST_VALUES) {
    throw new DskdError(
      'not-exportable',
      `The model has ${(within / 2 ** 30).toFixed(1)} GiB of values; an ONNX file holds less than 2 GiB.`,
      {
        hint:
          "In Node exportDetectorFile of @dskd/onnx/node writes the values to a file beside it: { externalData: 'auto' }. " +
          'Or fit with a smaller bank or subspace, or a smaller teacher.',
        details: { bytes: within },
      },
    );
  }
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(IR_VERSION),
    producerName: 'dskd',
    opsetImport: [{ domain: '', version: BigInt(OPSET) }],
    graph: graphProto(graph, outside),
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
  return toBinary(ModelProtoSchema, model);
}
