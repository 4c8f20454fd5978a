import type { Size } from '../contract.js';

/**
 * A rotation about the center of the image, then a shift: brings a place of the reference to where it lies in the image.
 * Places are centers of pixels, `x` to the right, `y` down.
 */
export interface RigidTransform {
  /** Radians, clockwise as seen. */
  readonly angle: number;
  /** Pixels. */
  readonly shift: { readonly x: number; readonly y: number };
}

/** What leaves every place where it is. */
export const IDENTITY: RigidTransform = { angle: 0, shift: { x: 0, y: 0 } };

/** What undoes a transform. */
export function inverseOf({ angle, shift }: RigidTransform): RigidTransform {
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  return {
    angle: -angle,
    shift: { x: -(cosine * shift.x + sine * shift.y), y: sine * shift.x - cosine * shift.y },
  };
}

/** Values `[height, width, channels]`, and which pixels have some. */
export interface Warped {
  readonly data: Float32Array;
  /** 1 where the source covers the pixel, else 0; the values are 0 there. */
  readonly valid: Uint8Array;
}

/**
 * Samples a source at the transformed place of each pixel, bilinearly. Of a place within half a pixel of the border the
 * border's value is taken; beyond that there is none.
 * @param source `[height, width, channels]`, row by row.
 */
export function warp(source: Float32Array, [height, width]: Size, { angle, shift }: RigidTransform): Warped {
  const channels = source.length / (height * width);
  const data = new Float32Array(source.length);
  const valid = new Uint8Array(height * width);
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const x = cosine * (column - middleX) - sine * (row - middleY) + middleX + shift.x;
      const y = sine * (column - middleX) + cosine * (row - middleY) + middleY + shift.y;
      if (!(x >= -0.5 && x <= width - 0.5 && y >= -0.5 && y <= height - 0.5)) continue;
      const insideX = clamped(x, width);
      const insideY = clamped(y, height);
      const left = Math.floor(insideX);
      const top = Math.floor(insideY);
      const across = insideX - left;
      const down = insideY - top;
      // Channels of the four pixels around the place.
      const upperLeft = channels * (top * width + left);
      const upperRight = left + 1 < width ? upperLeft + channels : upperLeft;
      const lowerLeft = top + 1 < height ? upperLeft + channels * width : upperLeft;
      const lowerRight = lowerLeft + (upperRight - upperLeft);
      const pixel = row * width + column;
      valid[pixel] = 1;
      for (let channel = 0; channel < channels; channel++) {
        const upper = source[upperLeft + channel]! * (1 - across) + source[upperRight + channel]! * across;
        const lower = source[lowerLeft + channel]! * (1 - across) + source[lowerRight + channel]! * across;
        data[pixel * channels + channel] = upper * (1 - down) + lower * down;
      }
    }
  }
  return { data, valid };
}

function clamped(place: number, length: number): number {
  return Math.min(Math.max(place, 0), length - 1);
}
