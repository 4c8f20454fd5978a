import type { Draws } from '../draws.js';
import type { Shape } from '../raster/shape.js';
import type { Part } from './part.js';

/** `hard`: smaller and fainter defects, more light and noise. */
export type Level = 'standard' | 'hard';

export type AnomalyKind = 'logical_anomalies' | 'structural_anomalies';

/**
 * How much of a region must be found for full marks: a share of its own area, or the area of a thing (as where
 * one of two nuts is too many, and either will do).
 */
export type SaturationRule =
  | { readonly relative: true; readonly share: number }
  | { readonly relative: false; /** Of the unit square. */ readonly area: number };

export interface AnomalyDefinition<Layout> {
  readonly name: string;
  readonly kind: AnomalyKind;
  /** What is wrong, for people. */
  readonly shows: string;
  readonly saturation: SaturationRule;
  /**
   * Changes the layout in place.
   * @param strength 1, and less where it is to be harder.
   * @returns the ground truth: one shape a region.
   */
  apply(layout: Layout, draws: Draws, strength: number): Shape[];
}

export interface CategoryDefinition<Layout> {
  readonly name: string;
  /** What holds in every good image. */
  readonly rule: string;
  layout(draws: Draws): Layout;
  /** Everything there is to see, back to front. */
  parts(layout: Layout): Part[];
  readonly anomalies: readonly AnomalyDefinition<Layout>[];
}

export interface AnomalyInfo {
  /** Its name in `defects_config.json`. */
  readonly name: string;
  readonly kind: AnomalyKind;
  readonly shows: string;
  /** Of its masks; each type of a category has its own, from 255 down. */
  readonly pixelValue: number;
  readonly saturation: SaturationRule;
}

export interface Composition {
  readonly parts: readonly Part[];
  readonly regions: readonly Shape[];
}

/** A category whose layout nobody outside needs to know. */
export interface Category {
  readonly name: string;
  readonly rule: string;
  readonly anomalies: readonly AnomalyInfo[];
  /** @param anomaly index in `anomalies`, or undefined for a good image. */
  compose(layout: Draws, anomaly: number | undefined, damage: Draws, strength: number): Composition;
}

export function defineCategory<Layout>(definition: CategoryDefinition<Layout>): Category {
  const { name, rule, anomalies } = definition;
  return {
    name,
    rule,
    anomalies: anomalies.map((anomaly, i) => ({
      name: anomaly.name,
      kind: anomaly.kind,
      shows: anomaly.shows,
      pixelValue: 255 - i,
      saturation: anomaly.saturation,
    })),
    compose(draws, anomaly, damage, strength) {
      const layout = definition.layout(draws);
      const regions = anomaly === undefined ? [] : anomalies[anomaly]!.apply(layout, damage, strength);
      return { parts: definition.parts(layout), regions };
    },
  };
}

export const WHOLE: SaturationRule = { relative: true, share: 1 };
export const HALF: SaturationRule = { relative: true, share: 0.5 };

/** The area of one thing. */
export function areaOf(area: number): SaturationRule {
  return { relative: false, area };
}
