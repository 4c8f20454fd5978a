import { DskdError, type PixelBuffer } from '@dskd/base';
import { placement, prepareMask, type Fit, type Placement } from '@dskd/data';

/** An ignore mask: 1 channel in an image's own pixels, or `height * width` of the network's input. Not 0 does not count. */
export type IgnoreMask = PixelBuffer | Uint8Array;

/** How images become the network's input, as far as masks must know it. */
export interface MaskRule {
  /** `[height, width]` in pixels. */
  readonly inputSize: readonly [number, number];
  readonly fit: Fit;
}

/**
 * An ignore mask at network size, brought there as an image of its size is.
 * @returns `height * width` values, row-major, 1 where a pixel does not count.
 * @throws {DskdError} `input-size-mismatch`, `shape-mismatch` (not 1 channel), `invalid-argument`
 */
export function ignoredAtNetworkSize(mask: IgnoreMask, { inputSize, fit }: MaskRule): Uint8Array {
  const [height, width] = inputSize;
  if ('channels' in mask) return assertSomeCount(prepareMask(mask, { height, width, fit }));
  if (mask.length !== height * width) {
    throw new DskdError(
      'input-size-mismatch',
      `Got an ignore mask of ${mask.length} pixels, wanted ${height} x ${width} = ${height * width}.`,
      {
        hint: "The mask must have the network's input size; another size needs another detector.",
        details: { got: mask.length, wanted: [height, width] },
      },
    );
  }
  return assertSomeCount(Uint8Array.from(mask, (value) => (value === 0 ? 0 : 1)));
}

function assertSomeCount(mask: Uint8Array): Uint8Array {
  if (mask.includes(0)) return mask;
  throw new DskdError(
    'invalid-argument',
    "The ignore mask covers every pixel of the network's input; wanted at least one to score.",
    { hint: 'Not 0 means: does not count. Is the mask inverted?' },
  );
}

/**
 * A mask in an image's own pixels belongs to images of its proportions only.
 * @throws {DskdError} `shape-mismatch`
 */
export function assertSameProportions(mask: IgnoreMask, placed: Placement): void {
  if (!('channels' in mask)) return;
  const { content } = placement(mask, placed.network, placed.fit);
  const { left, top, width, height } = placed.content;
  if (content.left === left && content.top === top && content.width === width && content.height === height) {
    return;
  }
  const { image } = placed;
  throw new DskdError(
    'shape-mismatch',
    `Got an ignore mask of ${mask.width} x ${mask.height} for an image of ${image.width} x ${image.height}; ` +
      'wanted the same proportions.',
    { hint: 'Draw the mask over an image of the camera that took these.' },
  );
}

/**
 * All pixels of the network's input that do not count for an image: those of the masks and the border of its
 * letterbox.
 * @param masks at network size.
 * @returns 1 where a pixel does not count; null where all do.
 */
export function ignoredPixels(
  placed: Placement,
  masks: readonly (Uint8Array | null | undefined)[],
): Uint8Array | null {
  const parts = [placed.border(), ...masks].filter((part) => part?.includes(1)) as Uint8Array[];
  const [first, ...others] = parts;
  if (!first) return null;
  if (others.length === 0) return first;
  return first.map((value, i) => (value || others.some((part) => part[i]) ? 1 : 0));
}
