import type { PixelBuffer } from '@dskd/base';
import type { Size } from '../contract.js';
import { gradientsOf, grayOf } from './gradient-image.js';
import { IDENTITY, warp, type RigidTransform } from './rigid-transform.js';
import { FourierPlane, powerOfTwo, type Complex } from './spectrum.js';

// Finds how an image lies against a reference: for each of some rotations the shift by phase correlation (Kuglin and
// Hines, 1975) of gradient lengths. Stands in for the shape-based matching that variation models were published with.

/** How an image may lie against the reference. */
export type Alignment = 'none' | 'translation' | 'rigid';

/** Rotations that are tried: to either side, in steps; degrees. */
const MOST_DEGREES = 5;
const STEP_DEGREES = 0.5;
/** Shifts that are looked at, as a fraction of each side: beyond that too little of the images is common. */
const MOST_SHIFT = 0.25;
/** Standard deviation, in pixels, of the peak that a shift makes: its frequencies are weighted so. */
const PEAK_SIGMA = 1.5;

/** The rotations that are tried, in degrees. */
export function rotationsOf(alignment: Alignment): number[] {
  if (alignment !== 'rigid') return [0];
  const steps = Math.round(MOST_DEGREES / STEP_DEGREES);
  return Array.from({ length: 2 * steps + 1 }, (_, index) => (index - steps) * STEP_DEGREES);
}

/** Where a correlation is highest, and how high. */
interface Peak {
  readonly value: number;
  readonly shift: { readonly x: number; readonly y: number };
}

/** One of the rotations that are tried, with the best shift. */
interface Candidate {
  /** Height of the correlation's peak. */
  readonly peak: number;
  readonly transform: RigidTransform;
  readonly likeness: () => number;
}

/** Aligns images with one reference. Holds no tensors. */
export class Aligner {
  readonly #searchSize: Size;
  readonly #plane: FourierPlane;
  /** Of the cross-power spectrum. */
  readonly #weights: Float64Array;
  readonly #window: Float64Array;
  readonly #gradients: Float32Array;
  readonly #degrees: readonly number[];
  /** Of the reference, turned by each of the rotations. */
  readonly #spectra: readonly Complex[];

  /**
   * @param reference as `grayOf` gives.
   * @param inputSize of the images that are aligned.
   */
  constructor(
    readonly reference: PixelBuffer,
    alignment: Alignment,
    private readonly inputSize: Size,
  ) {
    this.#searchSize = [reference.height, reference.width];
    this.#plane = new FourierPlane([powerOfTwo(reference.height), powerOfTwo(reference.width)]);
    this.#weights = gaussianWeights(this.#plane.size);
    this.#window = hannWindow(this.#searchSize);
    this.#gradients = gradientsOf(reference);
    this.#degrees = rotationsOf(alignment);
    this.#spectra = this.#degrees.map((degrees) => this.#turned(degrees));
  }

  /**
   * How an image lies against the reference. Where no transform makes it more like the reference, it stays as it is.
   * @param image RGB in gray levels, 0..255, of the input size.
   */
  align(image: Float32Array): RigidTransform {
    const gradients = gradientsOf(grayOf(image, this.inputSize));
    const spectrum = this.#spectrumOf(gradients);
    const candidates = this.#degrees.map((degrees, at) =>
      once((): Candidate => {
        const { value, shift } = this.#peak(spectrum, this.#spectra[at]!);
        const transform = { angle: radians(degrees), shift };
        return { peak: value, transform, likeness: once(() => this.#likeness(gradients, transform)) };
      }),
    );
    const best = uphill(candidates);
    const likenessAt = (at: number): number | undefined => candidates[at]?.().likeness();
    const step = between(likenessAt(best - 1), likenessAt(best)!, likenessAt(best + 1));
    const found = step === 0 ? candidates[best]!().transform : this.#turnedBy(step, best, spectrum);
    return this.#likeness(gradients, found) > this.#likeness(gradients, IDENTITY)
      ? this.#atInputSize(found)
      : IDENTITY;
  }

  /** The transform with a rotation between two of those that are tried. */
  #turnedBy(step: number, at: number, spectrum: Complex): RigidTransform {
    const degrees = this.#degrees[at]! + STEP_DEGREES * step;
    return { angle: radians(degrees), shift: this.#peak(spectrum, this.#turned(degrees)).shift };
  }

  #atInputSize({ angle, shift }: RigidTransform): RigidTransform {
    const [height, width] = this.inputSize;
    const [rows, columns] = this.#searchSize;
    return { angle, shift: { x: (shift.x * width) / columns, y: (shift.y * height) / rows } };
  }

  /** The spectrum of the reference, turned. */
  #turned(degrees: number): Complex {
    const angle = radians(-degrees);
    const { data, valid } = warp(this.#gradients, this.#searchSize, { angle, shift: { x: 0, y: 0 } });
    return this.#spectrumOf(data, valid);
  }

  /** The spectrum of gradients without their mean, faded out towards the border, on a plane of powers of two. */
  #spectrumOf(gradients: Float32Array, valid?: Uint8Array): Complex {
    const [rows, columns] = this.#searchSize;
    const [height, width] = this.#plane.size;
    const counted = (at: number): boolean => valid === undefined || valid[at] === 1;
    let [sum, count] = [0, 0];
    for (let at = 0; at < gradients.length; at++) {
      if (!counted(at)) continue;
      sum += gradients[at]!;
      count++;
    }
    const values = new Float64Array(height * width);
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++) {
        const at = y * columns + x;
        if (counted(at)) values[y * width + x] = (gradients[at]! - sum / count) * this.#window[at]!;
      }
    }
    return this.#plane.forward(values);
  }

  /** Where the phase correlation of an image with a turned reference is highest. */
  #peak(image: Complex, reference: Complex): Peak {
    const correlation = this.#plane.inverse(this.#crossPower(image, reference));
    const [height, width] = this.#plane.size;
    const placeOf = (y: number, x: number): number => ((y + height) % height) * width + ((x + width) % width);
    const [mostY, mostX] = this.#searchSize.map((side) => Math.floor(MOST_SHIFT * side)) as [number, number];
    let [value, bestY, bestX] = [-Infinity, 0, 0];
    for (let y = -mostY; y <= mostY; y++) {
      for (let x = -mostX; x <= mostX; x++) {
        const each = correlation[placeOf(y, x)]!;
        if (each > value) [value, bestY, bestX] = [each, y, x];
      }
    }
    // The peak is a Gaussian, and the logarithm of that a parabola.
    const log = (y: number, x: number): number | undefined => {
      const each = correlation[placeOf(y, x)]!;
      return each > 0 ? Math.log(each) : undefined;
    };
    const top = log(bestY, bestX) ?? 0;
    return {
      value,
      shift: {
        x: bestX + between(log(bestY, bestX - 1), top, log(bestY, bestX + 1)),
        y: bestY + between(log(bestY - 1, bestX), top, log(bestY + 1, bestX)),
      },
    };
  }

  /** The spectrum of the phase correlation, its frequencies weighted. */
  #crossPower(image: Complex, reference: Complex): Complex {
    const cross = new Float64Array(image.length);
    for (let at = 0; at < image.length; at += 2) {
      const real = image[at]! * reference[at]! + image[at + 1]! * reference[at + 1]!;
      const imaginary = image[at + 1]! * reference[at]! - image[at]! * reference[at + 1]!;
      // Math.hypot is ten times slower.
      const length = Math.sqrt(real * real + imaginary * imaginary);
      if (length === 0) continue;
      cross[at] = (real / length) * this.#weights[at / 2]!;
      cross[at + 1] = (imaginary / length) * this.#weights[at / 2]!;
    }
    return cross;
  }

  /** The correlation of the reference's gradients with those of an image where both are there; 0 where one is flat. */
  #likeness(gradients: Float32Array, transform: RigidTransform): number {
    const { data, valid } = warp(gradients, this.#searchSize, transform);
    const own = this.#gradients;
    let [count, sumA, sumB, aa, bb, ab] = [0, 0, 0, 0, 0, 0];
    for (let at = 0; at < valid.length; at++) {
      if (valid[at] === 0) continue;
      count++;
      sumA += own[at]!;
      sumB += data[at]!;
    }
    for (let at = 0; at < valid.length; at++) {
      if (valid[at] === 0) continue;
      const a = own[at]! - sumA / count;
      const b = data[at]! - sumB / count;
      aa += a * a;
      bb += b * b;
      ab += a * b;
    }
    return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
  }
}

/**
 * The rotation that makes an image most like the reference. Peaks find the rotation to start from, of every other one;
 * the likeness of what they bring together tells neighbors apart more sharply.
 */
function uphill(candidates: readonly (() => Candidate)[]): number {
  let best = 0;
  for (let at = 2; at < candidates.length; at += 2) {
    if (candidates[at]!().peak > candidates[best]!().peak) best = at;
  }
  const likenessAt = (at: number): number => candidates[at]?.().likeness() ?? -Infinity;
  const better = (): number | undefined =>
    [best - 1, best + 1].find((at) => likenessAt(at) > likenessAt(best));
  for (let next = better(); next !== undefined; next = better()) best = next;
  return best;
}

/** What is computed when it is first asked for. */
function once<T>(compute: () => T): () => T {
  let known: { readonly value: T } | undefined;
  return () => (known ??= { value: compute() }).value;
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}

/** Where a parabola through three values at -1, 0 and 1 has its maximum, -0.5..0.5; 0 where one of them is missing. */
function between(before: number | undefined, here: number, after: number | undefined): number {
  if (before === undefined || after === undefined) return 0;
  const curvature = before - 2 * here + after;
  if (!(curvature < 0)) return 0;
  return Math.min(0.5, Math.max(-0.5, (before - after) / (2 * curvature)));
}

/** For each frequency of a plane, the transform of a Gaussian peak of height 1. */
function gaussianWeights([height, width]: Size): Float64Array {
  const frequency = (index: number, length: number): number =>
    (index <= length / 2 ? index : index - length) / length;
  return Float64Array.from({ length: height * width }, (_, at) => {
    const u = frequency(Math.floor(at / width), height);
    const v = frequency(at % width, width);
    return 2 * Math.PI * PEAK_SIGMA ** 2 * Math.exp(-2 * (Math.PI * PEAK_SIGMA) ** 2 * (u * u + v * v));
  });
}

/** Fades out towards the border, so that the border is no edge of its own. */
function hannWindow([height, width]: Size): Float64Array {
  const hann = (index: number, length: number): number =>
    0.5 - 0.5 * Math.cos((2 * Math.PI * (index + 0.5)) / length);
  return Float64Array.from(
    { length: height * width },
    (_, at) => hann(Math.floor(at / width), height) * hann(at % width, width),
  );
}
