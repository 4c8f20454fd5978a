import { DskdError } from '@dskd/base';
import type { FeatureLevel } from '@dskd/core';

/** What a dry run gave under one name. */
export interface Found {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Input pixels per position where both directions agree on a whole number, else undefined. */
function strideOf(
  [, height, width]: readonly number[],
  inputSize: readonly [number, number],
): number | undefined {
  const [down, across] = [inputSize[0] / height!, inputSize[1] / width!].map(Math.round);
  return down === across && down! >= 1 ? down : undefined;
}

/**
 * The levels of an adapted model: as `given`, or as the shapes of a dry run tell.
 * @throws {DskdError} `invalid-argument` listing every output that is no level, or that is not as given.
 */
export function findLevels(
  model: string,
  found: readonly Found[],
  inputSize: readonly [number, number],
  given: readonly FeatureLevel[] | undefined,
): FeatureLevel[] {
  const problems: string[] = [];
  if (given && given.length !== found.length) {
    problems.push(`levels are given for ${given.length} outputs, the model has ${found.length}`);
  }
  const levels = found.flatMap(({ name, shape }, index): FeatureLevel[] => {
    const [, , , channels] = shape;
    const level = given?.[index];
    if (shape.length !== 4 || channels === undefined) {
      problems.push(`'${name}' is [${shape.join(', ')}], wanted [batch, height, width, channels]`);
      return [];
    }
    if (level && level.channels !== channels) {
      problems.push(
        `'${name}' has ${channels} channels, level '${level.name}' was given with ${level.channels}`,
      );
    }
    const stride = level?.stride ?? strideOf(shape, inputSize);
    if (stride === undefined) {
      problems.push(
        `'${name}' is ${shape[1]} x ${shape[2]} for an image of ${inputSize.join(' x ')}: no whole stride, equal in both directions`,
      );
      return [];
    }
    return [{ name: level?.name ?? name, channels, stride }];
  });
  const names = levels.map(({ name }) => name);
  if (new Set(names).size !== names.length) problems.push(`names repeat: ${names.join(', ')}`);
  if (problems.length > 0) {
    throw new DskdError('invalid-argument', `Model ${model} gives no levels: ${problems.join('; ')}.`, {
      hint: 'Name the layers or nodes whose outputs are feature maps, or give levels with their strides.',
      details: { problems },
    });
  }
  return levels;
}
