import { DskdError } from '@dskd/base';
import { bag } from './categories/bag.js';
import { box } from './categories/box.js';
import { flask } from './categories/flask.js';
import { harness } from './categories/harness.js';
import { tray } from './categories/tray.js';
import type { AnomalyInfo, Category } from './scene/definition.js';

const ALL: readonly Category[] = [tray, box, bag, harness, flask];

/** What can be drawn: names, the rule that holds in good images, and the types of anomaly. */
export const CATEGORIES: readonly CategoryInfo[] = ALL.map(({ name, rule, anomalies }) => ({
  name,
  rule,
  anomalies,
}));

export interface CategoryInfo {
  readonly name: string;
  /** What holds in every good image. */
  readonly rule: string;
  /** Logical ones first. */
  readonly anomalies: readonly AnomalyInfo[];
}

/** @throws {DskdError} `invalid-argument` */
export function categoryNamed(name: string): Category {
  const found = ALL.find((category) => category.name === name);
  if (found) return found;
  const names = ALL.map((category) => category.name);
  throw new DskdError('invalid-argument', `Got the category ${name}; wanted one of ${names.join(', ')}.`, {
    details: { got: name, wanted: names },
  });
}
