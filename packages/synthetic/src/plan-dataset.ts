import { categoryNamed } from './categories.js';
import { assertInteger, assertSeed } from './checks.js';
import { drawsOf } from './draws.js';
import type { Label, Split } from './generate-scene.js';
import type { AnomalyKind } from './scene/definition.js';

export interface PlanOptions {
  readonly category: string;
  /** Number of good images to train on. */
  readonly train: number;
  /** Number of good images to calibrate on. */
  readonly validation: number;
  /** Number of test images: a third each good, logical and structural, good and then logical ones first. */
  readonly test: number;
  readonly seed: number;
}

/** What one image will show; with a size and a level, what `generateScene` takes. */
export interface PlannedImage {
  readonly category: string;
  readonly seed: number;
  readonly split: Split;
  /** Of the scene in its split; no two images of a split share one. */
  readonly index: number;
  readonly anomaly?: string;
  readonly label: Label;
  /** `train/good/000` and the like: the image's place in the category's folder, without the extension. */
  readonly path: string;
}

const COUNT_LIMIT = 100_000;

/**
 * Which images a dataset holds. The types of anomaly take turns, in an order that the seed decides, so that
 * each kind's types differ by one image at most.
 * @throws {DskdError} `invalid-argument`
 */
export function planDataset(options: PlanOptions): PlannedImage[] {
  const { category, train, validation, test, seed } = options;
  const { anomalies } = categoryNamed(category);
  assertSeed(seed);
  for (const [name, count] of Object.entries({ train, validation, test }))
    assertInteger(name, count, 0, COUNT_LIMIT);

  const inTurn = (kind: AnomalyKind, count: number): string[] => {
    const names = anomalies.filter((each) => each.kind === kind).map(({ name }) => name);
    const order = drawsOf(seed, 'synthetic', category, 'plan', kind).shuffled(names);
    return Array.from({ length: count }, (_, i) => order[i % order.length]!);
  };
  const structural = Math.floor(test / 3);
  const logical = Math.floor((test + 1) / 3);
  const good = test - logical - structural;
  const name = (i: number): string => String(i).padStart(3, '0');
  const goods = (split: Split, count: number): PlannedImage[] =>
    Array.from({ length: count }, (_, index) => ({
      category,
      seed,
      split,
      index,
      label: 'good',
      path: `${split}/good/${name(index)}`,
    }));
  const damaged = (kind: AnomalyKind, count: number, first: number): PlannedImage[] =>
    inTurn(kind, count).map((anomaly, i) => ({
      category,
      seed,
      split: 'test',
      index: first + i,
      anomaly,
      label: kind,
      path: `test/${kind}/${name(i)}`,
    }));
  return [
    ...goods('train', train),
    ...goods('validation', validation),
    ...goods('test', good),
    ...damaged('logical_anomalies', logical, good),
    ...damaged('structural_anomalies', structural, good + logical),
  ];
}
