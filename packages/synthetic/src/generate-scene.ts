import { DskdError, type PixelBuffer } from '@dskd/base';
import { assertInteger, assertOneOf, assertSeed, assertSize, categoryNamed } from './categories.js';
import { degrees, drawsOf } from './math.js';
import { Canvas } from './raster/canvas.js';
import { develop, drawExposure } from './raster/exposure.js';
import { cameraView } from './raster/view.js';

import {
  type AnomalyKind,
  type Category,
  type Level,
  type Saturation,
  saturationAt,
} from './scene/definition.js';
import { drawPart } from './scene/part.js';

/**
 * Version of the generator. The same version, category, size, seed, split, index, anomaly and level give the same
 * bytes on every platform. A change of any pixel needs a new version; a test compares digests of some scenes.
 */
export const GENERATOR_VERSION = 1;

export type Split = 'train' | 'validation' | 'test';
export type Label = 'good' | AnomalyKind;

export interface SceneOptions {
  /** A name in {@link CATEGORIES}. */
  readonly category: string;
  /** Width and height in pixels, 128..1024. */
  readonly size: number;
  readonly seed: number;
  readonly split: Split;
  /** Index of the image in its split, from 0. */
  readonly index: number;
  /**
   * A type of anomaly of the category. Without it the image is good; the two images differ only by the anomaly.
   */
  readonly anomaly?: string;
  /** Default `'standard'`. */
  readonly level?: Level;
}

/** One defect of an image. An image can have several; they are not merged. */
export interface Region {
  /** One channel, as large as the image: `pixelValue` where the defect is, else 0. */
  readonly mask: PixelBuffer;
  readonly defectType: string;
  /** Value of the defect type in masks, 1..255. */
  readonly pixelValue: number;
  readonly saturation: Saturation;
}

export interface Scene {
  readonly image: PixelBuffer;
  /** Empty for a good image. */
  readonly regions: readonly Region[];
  readonly label: Label;
}

/**
 * Returns the key of an anomaly's random numbers. The key of `wrong_color` keeps its British spelling, so that the
 * same seed gives the same images as before the anomaly was renamed.
 */
function damageKey(anomaly = ''): string {
  // cspell:disable-next-line
  return anomaly === 'wrong_color' ? 'wrong_colour' : anomaly;
}

/**
 * Draws one image, the same bytes on every platform.
 * @returns the image (RGB) and its ground truth.
 * @throws {DskdError} `invalid-argument`
 */
export function generateScene(options: SceneOptions): Scene {
  const { category: name, size, seed, split, index, anomaly, level = 'standard' } = options;
  const category = categoryNamed(name);
  assertSize(size);
  assertSeed(seed);
  assertInteger('index', index, 0, 1_000_000);
  assertOneOf('split', split, ['train', 'validation', 'test']);
  assertOneOf('level', level, ['standard', 'hard']);
  const at = anomaly === undefined ? undefined : anomalyIndex(category, anomaly);
  const hard = level === 'hard';

  const keys = ['synthetic', name, split, index] as const;
  const layout = drawsOf(seed, ...keys, 'layout');
  const damage = drawsOf(seed, ...keys, 'damage', damageKey(anomaly));
  const camera = drawsOf(seed, ...keys, 'camera');
  const { parts, regions } = category.compose(layout, at, damage, hard ? 0.45 : 1);
  const view = cameraView(size, {
    angle: degrees(camera.bell(1.7)),
    zoom: 1 + camera.bell(0.018),
    dx: camera.bell(0.014),
    dy: camera.bell(0.014),
  });
  const canvas = new Canvas(size, view);
  const exposure = drawExposure(camera, hard);
  for (const part of parts) drawPart(canvas, part);

  const info = at === undefined ? undefined : category.anomalies[at]!;
  return {
    image: develop(canvas, exposure),
    regions: info
      ? regions.map((shape) => ({
          mask: { data: canvas.mask(shape, info.pixelValue), width: size, height: size, channels: 1 },
          defectType: info.name,
          pixelValue: info.pixelValue,
          saturation: saturationAt(info.saturation, size),
        }))
      : [],
    label: info?.kind ?? 'good',
  };
}

function anomalyIndex(category: Category, anomaly: string): number {
  const names = category.anomalies.map(({ name }) => name);
  const at = names.indexOf(anomaly);
  if (at >= 0) return at;
  throw new DskdError(
    'invalid-argument',
    `Got the anomaly ${anomaly} for ${category.name}; wanted one of ${names.join(', ')}.`,
    { details: { got: anomaly, wanted: names } },
  );
}
