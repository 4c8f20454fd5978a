import { DskdError } from '@dskd/base';

/**
 * How training images are varied: plain JSON, recorded in the artifact. What is left out does not happen.
 * Applied in this order: flips, rotation, brightness, contrast, saturation, hue.
 */
export interface Augmentation {
  /** Each with probability one half. */
  readonly flips?: {
    /** Left and right exchanged. */
    readonly horizontal?: boolean;
    /** Top and bottom exchanged. */
    readonly vertical?: boolean;
  };
  /** By an angle drawn evenly from -degrees..degrees; bilinear, edge pixels repeated. `degrees` in 0..180. */
  readonly rotation?: { readonly degrees: number };
  /** As torchvision's ColorJitter, in a fixed order instead of a random one. */
  readonly colorJitter?: {
    /** Factor drawn evenly from max(0, 1 - brightness)..1 + brightness; the next two likewise. At least 0. */
    readonly brightness?: number;
    readonly contrast?: number;
    readonly saturation?: number;
    /** Turns of the color circle, drawn evenly from -hue..hue. In 0..0.5. */
    readonly hue?: number;
    /** How often an image's colors change at all, 0..1. Default 1. */
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
 * Checks an augmentation that came from outside. Unknown names are refused: a misspelled one would do nothing.
 * @throws {DskdError} `invalid-config` with every problem.
 */
export function assertAugmentation(value: unknown): asserts value is Augmentation {
  const problems = problemsOf(value);
  if (problems.length === 0) return;
  throw new DskdError('invalid-config', `The augmentation does not make sense: ${problems.join('; ')}.`, {
    details: { problems },
  });
}
