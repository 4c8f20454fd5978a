import { assertInteger, assertSeed, assertSize, categoryNamed } from './categories.js';
import type { Label, Split } from './generate-scene.js';
import { drawsOf } from './math.js';
import { type AnomalyKind, saturationAt } from './scene/definition.js';

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

/** One image of a dataset. With a size and a level it is the argument of `generateScene`. */
export interface PlannedImage {
  readonly category: string;
  readonly seed: number;
  readonly split: Split;
  /** Index of the scene in its split; different for each image of a split. */
  readonly index: number;
  readonly anomaly?: string;
  readonly label: Label;
  /** Path in the category's folder without the extension, such as `train/good/000`. */
  readonly path: string;
}

const COUNT_LIMIT = 100_000;

/**
 * Plans the images of a dataset. The types of anomaly take turns in an order given by the seed, so that the numbers
 * of images per type (within a kind) differ by at most one.
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

/** As in the `defects_config.json` of MVTec LOCO AD. */
export interface DefectsConfigEntry {
  readonly defect_name: string;
  /** Value of this defect type in masks, 1..255. */
  readonly pixel_value: number;
  /** A share of the region's area, or a number of pixels at the image's size. */
  readonly saturation_threshold: number;
  readonly relative_saturation: boolean;
}

/**
 * Returns the defect types of a category in the form of MVTec LOCO AD's `defects_config.json`.
 * @param size of the images in pixels: absolute thresholds are areas.
 * @throws {DskdError} `invalid-argument`
 */
export function defectsConfig(category: string, { size }: { readonly size: number }): DefectsConfigEntry[] {
  assertSize(size);
  return categoryNamed(category).anomalies.map(({ name, pixelValue, saturation }) => {
    const { threshold, relative } = saturationAt(saturation, size);
    return {
      defect_name: name,
      pixel_value: pixelValue,
      saturation_threshold: threshold,
      relative_saturation: relative,
    };
  });
}
