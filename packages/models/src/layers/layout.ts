/**
 * How a parameter is kept here, against torch's layout. 'upsample' is a 2x2 transposed convolution whose
 * two output rows are two matrices; 'restore' a transposed convolution from one position to a whole map.
 */
export type Layout = 'vector' | 'convolution' | 'upsample' | 'restore' | 'depthwise';

const AXES: Readonly<Record<Layout, readonly number[]>> = {
  vector: [0],
  convolution: [2, 3, 1, 0], // out, in, kh, kw -> kh, kw, in, out
  upsample: [2, 0, 3, 1], // in, out, kh, kw -> kh, in, kw, out
  restore: [0, 2, 3, 1], // in, out, kh, kw -> in, kh, kw, out
  depthwise: [2, 3, 0, 1], // channels, 1, kh, kw -> kh, kw, channels, 1
};

/** The shape kept here of a parameter of torch shape `torchShape`. */
export function keptShape(layout: Layout, torchShape: readonly number[]): number[] {
  return AXES[layout].map((axis) => torchShape[axis]!);
}

function permute(data: Float32Array, shape: readonly number[], axes: readonly number[]): Float32Array {
  if (axes.length === 1) return data.slice();
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, side) => product * side, 1));
  const [n0, n1, n2, n3] = axes.map((axis) => shape[axis]!) as [number, number, number, number];
  const [s0, s1, s2, s3] = axes.map((axis) => strides[axis]!) as [number, number, number, number];
  const result = new Float32Array(data.length);
  let to = 0;
  for (let i = 0; i < n0; i++) {
    for (let j = 0; j < n1; j++) {
      for (let k = 0; k < n2; k++) {
        let from = i * s0 + j * s1 + k * s2;
        for (let l = 0; l < n3; l++, from += s3) result[to++] = data[from]!;
      }
    }
  }
  return result;
}

/** A copy of `data`, from torch's layout to ours. */
export function fromTorch(layout: Layout, torchShape: readonly number[], data: Float32Array): Float32Array {
  return permute(data, torchShape, AXES[layout]);
}

/** A copy of `data`, from our layout to torch's. */
export function toTorch(layout: Layout, torchShape: readonly number[], data: Float32Array): Float32Array {
  const axes = AXES[layout];
  const inverse = axes.map((_, axis) => axes.indexOf(axis));
  return permute(data, keptShape(layout, torchShape), inverse);
}
