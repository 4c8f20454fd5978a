import { DskdError } from '@dskd/base';
import { bag } from './categories/bag.js';
import { box } from './categories/box.js';
import { flask } from './categories/flask.js';
import { harness } from './categories/harness.js';
import { tray } from './categories/tray.js';
import type { AnomalyInfo, Category } from './scene/definition.js';

const ALL: readonly Category[] = [tray, box, bag, harness, flask];

/** The categories: name, the rule that holds in good images, and the types of anomaly. */
export const CATEGORIES: readonly CategoryInfo[] = ALL.map(({ name, rule, anomalies }) => ({
  name,
  rule,
  anomalies,
}));

export interface CategoryInfo {
  readonly name: string;
  /** The rule that every good image satisfies. */
  readonly rule: string;
  /** Logical anomalies first. */
  readonly anomalies: readonly AnomalyInfo[];
}

/**
 * Returns the category of that name.
 * @throws {DskdError} `invalid-argument`
 */
export function categoryNamed(name: string): Category {
  const found = ALL.find((category) => category.name === name);
  if (found) return found;
  const names = ALL.map((category) => category.name);
  throw new DskdError('invalid-argument', `Got the category ${name}; wanted one of ${names.join(', ')}.`, {
    details: { got: name, wanted: names },
  });
}

/** @throws {DskdError} `invalid-argument` */
export function assertInteger(name: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw new DskdError('invalid-argument', `Got ${name} ${value}; wanted an integer from ${low} to ${high}.`, {
    details: { name, got: value, low, high },
  });
}

export function assertSize(size: number): void {
  assertInteger('size', size, 128, 1024);
}

export function assertSeed(seed: number): void {
  assertInteger('seed', seed, 0, Number.MAX_SAFE_INTEGER);
}

/** @throws {DskdError} `invalid-argument` */
export function assertOneOf(name: string, value: string, wanted: readonly string[]): void {
  if (wanted.includes(value)) return;
  throw new DskdError('invalid-argument', `Got ${name} ${value}; wanted one of ${wanted.join(', ')}.`, {
    details: { name, got: value, wanted },
  });
}
