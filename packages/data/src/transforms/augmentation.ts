import { assertPixelBuffer, DskdError, type PixelBuffer, randomStream } from '@dskd/base';
import { adjustBrightness, adjustContrast, adjustHue, adjustSaturation } from './color.js';
import { flipHorizontal, flipVertical, rotate } from './geometry.js';

/**
 * How training images are varied: plain JSON, recorded in the artifact. Fields that are left out have no effect.
 * Applied in this order: flips, rotation, brightness, contrast, saturation, hue.
 */
export interface Augmentation {
  /** Each with probability 0.5. */
  readonly flips?: {
    /** Mirrors left and right. */
    readonly horizontal?: boolean;
    /** Mirrors top and bottom. */
    readonly vertical?: boolean;
  };
  /** Angle drawn uniformly from -degrees..degrees; bilinear, edge pixels repeated. `degrees` in 0..180. */
  readonly rotation?: { readonly degrees: number };
  /** Like torchvision's ColorJitter, but in a fixed order instead of a random one. */
  readonly colorJitter?: {
    /** Factor drawn uniformly from max(0, 1 - brightness)..1 + brightness; the next two likewise. At least 0. */
    readonly brightness?: number;
    readonly contrast?: number;
    readonly saturation?: number;
    /** Shift as a fraction of the color circle, drawn uniformly from -hue..hue. In 0..0.5. */
    readonly hue?: number;
    /** Probability that an image's colors change at all, 0..1. Default 1. */
    readonly probability?: number;
  };
}

type Check = (value: unknown) => boolean;

const isNumberIn =
  (low: number, high: number): Check =>
  (value) =>
    typeof value === 'number' && value >= low && value <= high;

const isFlag = { holds: (value: unknown) => typeof value === 'boolean', wanted: 'true or false' };
const isStrength = { holds: isNumberIn(0, Number.MAX_VALUE), wanted: 'a finite number of at least 0' };

const FIELDS: Readonly<Record<string, Readonly<Record<string, { holds: Check; wanted: string }>>>> = {
  flips: { horizontal: isFlag, vertical: isFlag },
  rotation: { degrees: { holds: isNumberIn(0, 180), wanted: 'a number from 0 to 180' } },
  colorJitter: {
    brightness: isStrength,
    contrast: isStrength,
    saturation: isStrength,
    hue: { holds: isNumberIn(0, 0.5), wanted: 'a number from 0 to 0.5' },
    probability: { holds: isNumberIn(0, 1), wanted: 'a number from 0 to 1' },
  },
};

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function problemsOf(value: unknown): string[] {
  if (!isRecord(value)) return [`got ${JSON.stringify(value)}, wanted an object`];
  return Object.entries(value).flatMap(([name, part]) => {
    const fields = Object.hasOwn(FIELDS, name) ? FIELDS[name]! : undefined;
    if (!fields) return [`'${name}' is unknown, wanted ${Object.keys(FIELDS).join(', ')}`];
    if (!isRecord(part)) return [`${name} is ${JSON.stringify(part)}, wanted an object`];
    const problems = Object.entries(part).flatMap(([field, content]) => {
      const check = Object.hasOwn(fields, field) ? fields[field]! : undefined;
      if (!check) return [`'${name}.${field}' is unknown, wanted ${Object.keys(fields).join(', ')}`];
      return check.holds(content) ? [] : [`${name}.${field} is ${String(content)}, wanted ${check.wanted}`];
    });
    const lacksDegrees = name === 'rotation' && !('degrees' in part);
    return lacksDegrees ? [...problems, 'rotation.degrees is missing'] : problems;
  });
}

/**
 * Checks an augmentation that was passed in or read. Unknown names are refused, because a misspelled one would have
 * no effect.
 * @throws {DskdError} `invalid-config` with every problem.
 */
export function assertAugmentation(value: unknown): asserts value is Augmentation {
  const problems = problemsOf(value);
  if (problems.length === 0) return;
  throw new DskdError('invalid-config', `The augmentation is invalid: ${problems.join('; ')}.`, {
    details: { problems },
  });
}

/** Identifies an image in an epoch. The same key gives the same values, independent of earlier draws. */
export interface AugmentationKey {
  readonly seed: number;
  /** Counted from 0. */
  readonly epoch: number;
  /** The sample's id. */
  readonly sample: string;
}

/** The values drawn for one image in one epoch. */
export interface DrawnAugmentation {
  readonly flipHorizontal: boolean;
  readonly flipVertical: boolean;
  /** Counter-clockwise. */
  readonly degrees: number;
  /** Factors; 1 has no effect. */
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
  /** In turns of the color circle; 0 has no effect. */
  readonly hue: number;
}

/**
 * Draws the values for an image. Each value has its own random stream, (seed, 'augment', epoch, sample, name of the
 * value), so that enabling one variation does not change the others.
 */
export function drawAugmentation(
  { flips, rotation, colorJitter }: Augmentation,
  { seed, epoch, sample }: AugmentationKey,
): DrawnAugmentation {
  const uniform = (name: string): number => randomStream(seed, 'augment', epoch, sample, name).uniform();
  const between = (name: string, low: number, high: number): number => low + (high - low) * uniform(name);
  const isJittered = uniform('color-jitter') < (colorJitter?.probability ?? 1);
  const jitter: Augmentation['colorJitter'] = isJittered ? colorJitter : undefined;
  const factor = (name: 'brightness' | 'contrast' | 'saturation'): number => {
    const strength = jitter?.[name] ?? 0;
    return strength === 0 ? 1 : between(name, Math.max(0, 1 - strength), 1 + strength);
  };
  const around = (name: string, limit = 0): number => (limit === 0 ? 0 : between(name, -limit, limit));
  return {
    flipHorizontal: flips?.horizontal === true && uniform('flip-horizontal') < 0.5,
    flipVertical: flips?.vertical === true && uniform('flip-vertical') < 0.5,
    degrees: around('rotation', rotation?.degrees),
    brightness: factor('brightness'),
    contrast: factor('contrast'),
    saturation: factor('saturation'),
    hue: around('hue', jitter?.hue),
  };
}

/**
 * Applies drawn values, in the order of {@link Augmentation}. Each step rounds to bytes, like a chain of PIL images.
 * @param image RGB, 3 channels; not modified.
 * @returns an image of the same size; the input itself if no step changes it.
 * @throws {DskdError} `invalid-argument`, `shape-mismatch`
 */
export function applyAugmentation(image: PixelBuffer, drawn: DrawnAugmentation): PixelBuffer {
  assertPixelBuffer(image);
  if (image.channels !== 3) {
    throw new DskdError('shape-mismatch', `Got an image of ${image.channels} channels, wanted 3 (RGB).`);
  }
  let result = image;
  if (drawn.flipHorizontal) result = flipHorizontal(result);
  if (drawn.flipVertical) result = flipVertical(result);
  if (drawn.degrees !== 0) result = rotate(result, drawn.degrees);
  if (drawn.brightness !== 1) result = adjustBrightness(result, drawn.brightness);
  if (drawn.contrast !== 1) result = adjustContrast(result, drawn.contrast);
  if (drawn.saturation !== 1) result = adjustSaturation(result, drawn.saturation);
  if (drawn.hue !== 0) result = adjustHue(result, drawn.hue);
  return result;
}

/**
 * Augments an image for one epoch of training. The result depends only on image, augmentation and key, and is the
 * same on every platform, byte for byte.
 * @param image RGB, 3 channels, already at its final size; not modified.
 * @throws {DskdError} `invalid-argument`, `shape-mismatch`
 */
export function augment(image: PixelBuffer, augmentation: Augmentation, key: AugmentationKey): PixelBuffer {
  return applyAugmentation(image, drawAugmentation(augmentation, key));
}

/**
 * Categories of MVTec LOCO AD whose parts may appear in either orientation. Not breakfast_box (left and right are
 * part of its rules) and not juice_bottle (it stands upright and has a label).
 */
const LIE_EITHER_WAY: ReadonlySet<string> = new Set(['pushpins', 'screw_bag', 'splicing_connectors']);

/**
 * The augmentation of GCAD, which DSKD uses: rotation up to 3 degrees, color jitter, flips by category. Neither paper
 * gives the strength of the jitter or the list of flipped categories; the factors of 0.9 to 1.1 and the list above
 * are our choice.
 * @param category of MVTec LOCO AD; any other category, or none, is not flipped.
 */
export function gcadAugmentation(category?: string): Augmentation {
  const flips = category !== undefined && LIE_EITHER_WAY.has(category);
  return {
    flips: { horizontal: flips, vertical: flips },
    rotation: { degrees: 3 },
    colorJitter: { brightness: 0.1, contrast: 0.1, saturation: 0.1, hue: 0, probability: 1 },
  };
}
