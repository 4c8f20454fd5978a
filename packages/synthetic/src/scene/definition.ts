import type { Draws } from '../math.js';
import type { Shape } from '../raster/shape.js';
import type { Part } from './part.js';

/** `hard`: smaller and fainter defects, more light and noise. */
export type Level = 'standard' | 'hard';

export type AnomalyKind = 'logical_anomalies' | 'structural_anomalies';

/**
 * How much of a region must be found for a full score: a share of its own area, or the area of one object (if one
 * of two nuts is too many, finding either is enough).
 */
export type SaturationRule =
  | { readonly relative: true; readonly share: number }
  | { readonly relative: false; /** As a share of the unit square. */ readonly area: number };

export interface AnomalyDefinition<Layout> {
  readonly name: string;
  readonly kind: AnomalyKind;
  /** Description of the anomaly. */
  readonly shows: string;
  readonly saturation: SaturationRule;
  /**
   * Changes the layout in place.
   * @param strength 1, or less for defects that are harder to find.
   * @returns the ground truth: one shape per region.
   */
  apply(layout: Layout, draws: Draws, strength: number): Shape[];
}

interface CategoryDefinition<Layout> {
  readonly name: string;
  /** The rule that every good image satisfies. */
  readonly rule: string;
  layout(draws: Draws): Layout;
  /** All parts of the scene, back to front. */
  parts(layout: Layout): Part[];
  readonly anomalies: readonly AnomalyDefinition<Layout>[];
}

export interface AnomalyInfo {
  /** Its name in `defects_config.json`. */
  readonly name: string;
  readonly kind: AnomalyKind;
  readonly shows: string;
  /** Value of its masks; each type of a category has its own, from 255 down. */
  readonly pixelValue: number;
  readonly saturation: SaturationRule;
}

interface Composition {
  readonly parts: readonly Part[];
  readonly regions: readonly Shape[];
}

/** A category with its layout hidden. */
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

/** The area of one object, as a share of the unit square. */
export function areaOf(area: number): SaturationRule {
  return { relative: false, area };
}

/** As in MVTec LOCO AD: a share of the region's area (0..1], or a number of pixels at the image's size. */
export interface Saturation {
  readonly threshold: number;
  readonly relative: boolean;
}

export function saturationAt(rule: SaturationRule, size: number): Saturation {
  if (rule.relative) return { threshold: rule.share, relative: true };
  return { threshold: Math.floor(rule.area * size * size + 0.5), relative: false };
}
