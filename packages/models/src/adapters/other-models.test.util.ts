// Models for the tests: a LayersModel, and a GraphModel with the same computation.
import * as tf from '@tensorflow/tfjs';
import { integerFill } from '@dskd/test-support';

type Kernel = [number, number, number, number];
const SHALLOW: Kernel = [3, 3, 3, 4];
const DEEP: Kernel = [3, 3, 4, 6];

/** `[height, width, inputs, outputs]`, as both kinds of model keep it. */
function kernel(name: string, shape: Kernel): tf.Tensor4D {
  return tf.tensor4d(integerFill(name, shape), shape);
}

/**
 * Two stride-2 convolutions with a batch norm and a dropout between them; the deep one is the first output.
 * @param side of the images; any, if absent.
 */
export function layersModel(side?: number): tf.LayersModel {
  const images = tf.input({ shape: [side ?? null, side ?? null, 3], name: 'images' });
  const strided = { kernelSize: 3, strides: 2, padding: 'same', activation: 'relu', useBias: false } as const;
  const shallow = tf.layers.conv2d({ ...strided, filters: 4, name: 'shallow' });
  const norm = tf.layers.batchNormalization({ name: 'norm' });
  const dropout = tf.layers.dropout({ rate: 0.5, name: 'dropout' });
  const deep = tf.layers.conv2d({ ...strided, filters: 6, name: 'deep' });
  const low = shallow.apply(images) as tf.SymbolicTensor;
  const high = deep.apply(dropout.apply(norm.apply(low))) as tf.SymbolicTensor;
  const model = tf.model({ inputs: images, outputs: [high, low], name: 'keras-like' });
  tf.tidy(() => {
    shallow.setWeights([kernel('shallow', SHALLOW)]);
    norm.setWeights([
      tf.tensor1d([1, 2, 0.5, 1]),
      tf.tensor1d([0, 0.1, 0.2, -0.1]),
      tf.tensor1d([0.1, 0.2, 0.3, 0.4]),
      tf.tensor1d([1, 0.5, 2, 0.1]),
    ]);
    deep.setWeights([kernel('deep', DEEP)]);
  });
  return model;
}

/** A NodeDef of TensorFlow as JSON. */
type Node = Readonly<Record<string, unknown>>;

function convolution(name: string, input: string, filter: string): Node {
  return {
    name,
    op: 'Conv2D',
    input: [input, filter],
    attr: {
      T: { type: 'DT_FLOAT' },
      strides: { list: { i: ['1', '2', '2', '1'] } },
      dilations: { list: { i: ['1', '1', '1', '1'] } },
      padding: { s: btoa('SAME') },
      data_format: { s: btoa('NHWC') },
    },
  };
}

const float = { T: { type: 'DT_FLOAT' } };

/** pred ? relu(x) : -x, in the control flow of TensorFlow 1. */
function branched(input: string): Node[] {
  return [
    { name: 'gate', op: 'Switch', input: [input, 'yes'], attr: float },
    { name: 'negated', op: 'Neg', input: ['gate'], attr: float },
    { name: 'rectified', op: 'Relu', input: ['gate:1'], attr: float },
    { name: 'joined', op: 'Merge', input: ['negated', 'rectified'], attr: { ...float, N: { i: '2' } } },
  ];
}

export interface GraphOptions {
  /** `null` is any. Default any batch and size of 3 channels. */
  readonly shape?: readonly (number | null)[];
  readonly controlFlow?: boolean;
}

/** Two stride-2 convolutions, a ReLU after the shallow one; outputs `shallow` and `deep`, by way of an IO handler. */
export async function graphModel({
  shape = [null, null, null, 3],
  controlFlow = false,
}: GraphOptions = {}): Promise<tf.GraphModel> {
  const dim = shape.map((size) => ({ size: String(size ?? -1) }));
  const constant = (name: string, type: string, sides: readonly number[]): Node => ({
    name,
    op: 'Const',
    attr: {
      dtype: { type },
      value: { tensor: { dtype: type, tensorShape: { dim: sides.map((size) => ({ size: String(size) })) } } },
    },
  });
  const node: Node[] = [
    {
      name: 'images',
      op: 'Placeholder',
      attr: { dtype: { type: 'DT_FLOAT' }, shape: { shape: { dim } } },
    },
    constant('shallow_filter', 'DT_FLOAT', SHALLOW),
    constant('deep_filter', 'DT_FLOAT', DEEP),
    convolution('shallow_conv', 'images', 'shallow_filter'),
    ...(controlFlow
      ? [constant('yes', 'DT_BOOL', []), ...branched('shallow_conv')]
      : [{ name: 'joined', op: 'Relu', input: ['shallow_conv'], attr: float }]),
    { name: 'shallow', op: 'Identity', input: ['joined'], attr: float },
    convolution('deep', 'joined', 'deep_filter'),
  ];
  const weights = [
    {
      name: 'shallow_filter',
      shape: SHALLOW,
      dtype: 'float32' as const,
      bytes: integerFill('shallow', SHALLOW),
    },
    { name: 'deep_filter', shape: DEEP, dtype: 'float32' as const, bytes: integerFill('deep', DEEP) },
    ...(controlFlow ? [{ name: 'yes', shape: [], dtype: 'bool' as const, bytes: Uint8Array.of(1) }] : []),
  ];
  const weightData = new Blob(weights.map(({ bytes }) => new Uint8Array(bytes.buffer as ArrayBuffer)));
  return tf.loadGraphModel(
    tf.io.fromMemory({
      modelTopology: { node, versions: { producer: 1 } },
      format: 'graph-model',
      weightSpecs: weights.map(({ name, shape: sides, dtype }) => ({ name, shape: [...sides], dtype })),
      weightData: await weightData.arrayBuffer(),
    }),
  );
}
