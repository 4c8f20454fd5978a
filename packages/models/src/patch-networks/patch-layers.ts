// Networks that see a patch of an image at each position: few convolutions with a bias, two poolings, a stride of 4 pixels.

/** A layer of a patch network. Convolutions have stride 1, poolings kernel 2 and stride 2. */
export type PatchLayer =
  | {
      readonly kind: 'convolution';
      readonly kernel: number;
      readonly outputs: number;
      readonly padding: number;
      /** Whether an activation follows. */
      readonly active: boolean;
    }
  /** Padding counts as zeros, as in torch. */
  | { readonly kind: 'pool'; readonly padding: 0 | 1 };

/** A patch network as data. */
export interface PatchNetwork {
  readonly layers: readonly PatchLayer[];
  readonly pool: 'average' | 'maximum';
  /** Slope of the activation for negative values: 0 of a ReLU. */
  readonly slope: number;
  /** Rows (and columns) of zeros before and after the image. */
  readonly border: readonly [rows: readonly [number, number], columns: readonly [number, number]];
}

/** Input pixels per position of every patch network. */
export const PATCH_STRIDE = 4;

const NO_BORDER = [
  [0, 0],
  [0, 0],
] as const;

/** `small` is PDN-S, `medium` PDN-M. */
export type PdnSize = 'small' | 'medium';

/**
 * The patch description network of EfficientAD (Batzner et al., WACV 2024, Tables 6 and 7; nelson1425/EfficientAD common.py). Its patches
 * have 33x33 pixels.
 * @param widths channels of the first and of the following layers: 128 and 256 of PDN-S, 256 and 512 of PDN-M.
 * @param padded adds zeros so that an image of side s has s / 4 positions, rounded up. Without, it has 8 fewer or so: the centers of
 * patches that are within the image.
 */
export function pdnNetwork(
  size: PdnSize,
  {
    widths,
    outputs,
    padded,
  }: {
    readonly widths: readonly [number, number];
    readonly outputs: number;
    readonly padded: boolean;
  },
): PatchNetwork {
  const convolution = (kernel: number, channels: number, padding: number, active = true): PatchLayer => ({
    kind: 'convolution',
    kernel,
    outputs: channels,
    padding: padded ? padding : 0,
    active,
  });
  const pool: PatchLayer = { kind: 'pool', padding: padded ? 1 : 0 };
  const [first, second] = widths;
  const begin = [convolution(4, first, 3), pool, convolution(4, second, 3), pool];
  const end =
    size === 'small'
      ? [convolution(3, second, 1), convolution(4, outputs, 0, false)]
      : [
          convolution(1, second, 0),
          convolution(3, second, 1),
          convolution(4, outputs, 0),
          convolution(1, outputs, 0, false),
        ];
  return { layers: [...begin, ...end], pool: 'average', slope: 0, border: NO_BORDER };
}

/** Side of the patches of a network of uninformed students, in pixels. */
export type PatchSide = 17 | 33;

/** Kernels, with 0 for a pooling; the widths are three. */
const UNINFORMED: Readonly<Record<PatchSide, readonly number[]>> = {
  17: [6, 0, 3, 0, 2, 1],
  33: [5, 0, 5, 0, 2, 4],
};

/**
 * A strided network of uninformed students (Bergmann et al., CVPR 2020): that of patches of 33 pixels has the layers of the
 * paper (LuyaooChen/uninformed-students-pytorch), with the stride of its poolings. That of 17 pixels, without
 * poolings in the paper, has two here, for the same stride. Zeros around the image give each 4 pixels, rounded up, one
 * position.
 * @param widths channels of the first three convolutions; 128, 256, 256 in the paper.
 */
export function uninformedNetwork(
  side: PatchSide,
  inputSize: readonly [number, number],
  {
    widths,
    outputs,
    slope,
  }: {
    readonly widths: readonly [number, number, number];
    readonly outputs: number;
    readonly slope: number;
  },
): PatchNetwork {
  let count = 0;
  const channels = [...widths, outputs];
  const layers = UNINFORMED[side].map((kernel): PatchLayer => {
    if (kernel === 0) return { kind: 'pool', padding: 0 };
    const own = channels[count++]!;
    return { kind: 'convolution', kernel, outputs: own, padding: 0, active: count < channels.length };
  });
  // A patch is centered at the first pixel of its position, as those of residual networks are.
  const before = (side - 1) / 2;
  const border = (length: number): readonly [number, number] => {
    const needed = PATCH_STRIDE * (Math.ceil(length / PATCH_STRIDE) - 1) + side;
    return [before, needed - before - length];
  };
  return { layers, pool: 'maximum', slope, border: [border(inputSize[0]), border(inputSize[1])] };
}
