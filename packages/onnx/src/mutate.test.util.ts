import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, type GraphProto, type ModelProto, type TensorProto } from 'onnx-buf';

function constantOf({ initializer }: GraphProto, name: string): TensorProto {
  return initializer.find((each) => each.name === name)!;
}

function floatsOf({ rawData }: TensorProto): Float32Array {
  // A copy: its bytes begin at a multiple of four.
  return new Float32Array(new Uint8Array(rawData).buffer);
}

function setFloats(tensor: TensorProto, values: Float32Array): void {
  tensor.rawData = new Uint8Array(values.buffer as ArrayBuffer);
}

/** The weights of the first convolution read blue for red. */
function swapChannels(graph: GraphProto): void {
  const weights = constantOf(graph, graph.node.find(({ opType }) => opType === 'Conv')!.input[1]!);
  const [, inputs, rows, columns] = weights.dims.map(Number) as [number, number, number, number];
  const place = rows * columns;
  const values = floatsOf(weights);
  const swapped = values.map((_, at) => {
    const [output, input] = [Math.floor(at / (inputs * place)), Math.floor(at / place) % inputs];
    return values[(output * inputs + (inputs - 1 - input)) * place + (at % place)]!;
  });
  setFloats(weights, swapped);
}

/** Maps are brought to the size of the images without a Gaussian: rows of two neighboring weights. */
function dropBlur(graph: GraphProto): void {
  const products = graph.node.filter(
    ({ opType, input }) => opType === 'MatMul' && constantOf(graph, input[0]!),
  );
  for (const { input } of products) {
    const matrix = constantOf(graph, input[0]!);
    const [rows, columns] = matrix.dims.map(Number) as [number, number];
    const values = new Float32Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      const position = Math.min(columns - 1, Math.max(0, ((row + 0.5) * columns) / rows - 0.5));
      const [below, above] = [Math.floor(position), Math.ceil(position)];
      values[row * columns + below]! += 1 - (position - below);
      values[row * columns + above]! += position - below;
    }
    setFloats(matrix, values);
  }
}

/** Features are resized with the corners of the outermost positions in place, and not of their areas. */
function moveCorners(graph: GraphProto): void {
  for (const node of graph.node.filter(({ opType }) => opType === 'Resize')) {
    const mode = node.attribute.find(({ name }) => name === 'coordinate_transformation_mode')!;
    mode.s = new TextEncoder().encode('align_corners');
  }
}

/** The mean that the first branch is normalized by is a hundredth larger. */
function shiftNormalization(graph: GraphProto): void {
  const division = graph.node.findLast(
    ({ opType, input }) => opType === 'Div' && constantOf(graph, input[1]!),
  )!;
  const difference = graph.node.find(({ output }) => output[0] === division.input[0])!;
  const offset = constantOf(graph, difference.input[1]!);
  setFloats(
    offset,
    floatsOf(offset).map((value) => value * 1.01),
  );
}

/** Files that are wrong in one way each. */
export function mutate(bytes: Uint8Array): [name: string, bytes: Uint8Array][] {
  const mutations = { swapChannels, dropBlur, moveCorners, shiftNormalization };
  return Object.entries(mutations).map(([name, change]) => {
    const model: ModelProto = fromBinary(ModelProtoSchema, bytes);
    change(model.graph!);
    return [name, toBinary(ModelProtoSchema, model)];
  });
}

/** The filters of all convolutions are NaN. */
export function withoutFiniteWeights(bytes: Uint8Array): Uint8Array {
  const model: ModelProto = fromBinary(ModelProtoSchema, bytes);
  for (const tensor of model.graph!.initializer) {
    if (tensor.dims.length === 4) setFloats(tensor, floatsOf(tensor).fill(NaN));
  }
  return toBinary(ModelProtoSchema, model);
}
