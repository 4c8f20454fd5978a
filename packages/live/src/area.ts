import { DskdError, type PixelBuffer } from '@dskd/base';
import type { Rectangle } from '@dskd/data';

function refused(text: string, why: string): DskdError {
  return new DskdError(
    'invalid-argument',
    `Got the area ${JSON.stringify(text)}: ${why}; wanted left,top,width,height.`,
    {
      hint: 'In pixels, for example 320,0,640,480, or in fractions of the image with a point: 0.25,0.0,0.5,1.0.',
      details: { got: text },
    },
  );
}

/** A part of each image. Only it is inspected. */
export class Area {
  readonly #text: string;
  readonly #numbers: readonly [left: number, top: number, width: number, height: number];
  readonly #isFraction: boolean;

  /**
   * @param text `left,top,width,height`: whole numbers are pixels, numbers with a point are fractions of the sides of the image.
   * @throws {DskdError} `invalid-argument`
   */
  constructor(text: string) {
    const words = text.split(',').map((word) => word.trim());
    if (words.length !== 4) throw refused(text, `these are ${words.length} numbers`);
    if (!words.every((word) => /^\d+(?:\.\d+)?$/.test(word)))
      throw refused(text, 'not all are numbers from 0 on');
    const points = words.filter((word) => word.includes('.')).length;
    if (points !== 0 && points !== 4) throw refused(text, 'some numbers have a point, and some have none');
    this.#text = text;
    this.#isFraction = points === 4;
    this.#numbers = words.map(Number) as [number, number, number, number];
    const [left, top, width, height] = this.#numbers;
    if (width === 0 || height === 0) throw refused(text, 'it is empty');
    if (this.#isFraction && (left + width > 1 + 1e-9 || top + height > 1 + 1e-9))
      throw refused(text, 'it ends outside of the image, which is 1 wide and 1 high');
  }

  /**
   * The area in pixels of an image.
   * @throws {DskdError} `invalid-argument` where the image is too small for it.
   */
  in(image: { readonly width: number; readonly height: number }): Rectangle {
    const [left, top, width, height] = this.#numbers;
    if (!this.#isFraction) {
      if (left + width > image.width || top + height > image.height)
        throw refused(this.#text, `an image of ${image.width} x ${image.height} pixels is too small for it`);
      return { left, top, width, height };
    }
    const across = (share: number): number => Math.round(share * image.width);
    const down = (share: number): number => Math.round(share * image.height);
    const [x, y] = [Math.min(across(left), image.width - 1), Math.min(down(top), image.height - 1)];
    return {
      left: x,
      top: y,
      width: Math.max(1, Math.min(across(left + width), image.width) - x),
      height: Math.max(1, Math.min(down(top + height), image.height) - y),
    };
  }
}

/** A copy of a part of an image. */
export function cropPixels({ data, width, channels, ...rest }: PixelBuffer, area: Rectangle): PixelBuffer {
  const row = area.width * channels;
  const cropped = new Uint8Array(row * area.height);
  for (let y = 0; y < area.height; y++) {
    const from = ((area.top + y) * width + area.left) * channels;
    cropped.set(data.subarray(from, from + row), y * row);
  }
  return { ...rest, data: cropped, width: area.width, height: area.height, channels };
}
