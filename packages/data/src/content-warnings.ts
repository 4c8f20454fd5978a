import { type ImageFacts, type IntensityRange, levelsSpanned, rangeFor } from './intensity.js';
import { byCodeUnit, firstFew } from './samples.js';

/** What is known of the content of an image. */
export interface ImageContent {
  readonly id: string;
  /** Undefined for an image in memory. */
  readonly facts: ImageFacts | undefined;
  /** Whether all its pixels are alike, as bytes. */
  readonly constant: boolean;
}

/** So few of 256 gray levels do not show what a part looks like. */
const FEW_LEVELS = 16;

/** `all 5 images`, or `2 of 5 images`. */
function imagesOf(some: readonly unknown[], all: readonly unknown[]): string {
  return some.length === all.length ? `all ${all.length} images` : `${some.length} of ${all.length} images`;
}

function droppedBands(images: readonly ImageContent[]): string[] {
  const dropped = images.filter(({ facts }) => (facts?.droppedBands ?? 0) > 0);
  if (dropped.length === 0) return [];
  return [
    `${imagesOf(dropped, images)} ${dropped.length === 1 ? 'has' : 'have'} bands that are neither colors nor marked as opacity, which ` +
      `are dropped: ${firstFew(dropped.map(({ id }) => id))}.`,
  ];
}

function fewLevels(images: readonly ImageContent[], range: IntensityRange | undefined): string[] {
  const deep = images.flatMap(({ id, facts }) => (facts?.values ? [{ id, values: facts.values }] : []));
  const few = deep
    .map(({ id, values }) => ({ id, values, levels: levelsSpanned(values, range) }))
    .filter(({ levels }) => levels <= FEW_LEVELS);
  if (few.length === 0) return [];
  const most = Math.max(...few.map(({ levels }) => levels));
  const values = few.map((image) => image.values);
  const lowest = Math.min(...values.map(([low]) => low));
  const highest = Math.max(...values.map(([, high]) => high));
  const better = rangeFor(deep.map((image) => image.values));
  const cut = range ? `the intensity range ${range.join(':')} leaves` : 'the upper 8 bits have';
  return [
    `${imagesOf(few, images)} ${few.length === 1 ? 'has' : 'have'} 16 bits with values from ${lowest} to ${highest}, of which ${cut} ` +
      `at most ${most} of 256 gray levels: ${firstFew(few.map(({ id }) => id))}. ` +
      `Train with the intensity range auto, or ${better.join(':')}.`,
  ];
}

function withoutContent(images: readonly ImageContent[]): string[] {
  const constant = images.filter(
    ({ facts, constant }) => constant && (!facts?.values || facts.values[0] === facts.values[1]),
  );
  if (constant.length === 0) return [];
  const what =
    constant.length === 1
      ? 'has no content, all its pixels are alike'
      : 'have no content, all pixels of each are alike';
  return [`${imagesOf(constant, images)} ${what}: ${firstFew(constant.map(({ id }) => id))}.`];
}

/**
 * What is odd about images, in one sentence each; nothing of it keeps them from being used.
 * @param images in any order.
 * @param range by which their 16-bit values were mapped.
 */
export function contentWarnings(images: readonly ImageContent[], range?: IntensityRange): string[] {
  const sorted = [...images].sort((a, b) => byCodeUnit(a.id, b.id));
  return [...withoutContent(sorted), ...fewLevels(sorted, range), ...droppedBands(sorted)];
}
