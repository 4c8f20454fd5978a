import { subspaceOptions, type SubspaceOptions } from './part-options.js';
import { subspacePlan, withGridLevel } from './patch-plans.js';
import { poolingTeacher } from './pooling-teacher.test.util.js';

/** Strides 4, 8 and 16, with as many channels at levels 2 and 3 as given. */
function contextOf(side: number, channels = 6) {
  const { extractor, ...rest } = poolingTeacher();
  const outputShapes: typeof extractor.outputShapes = (size) =>
    extractor.outputShapes(size).map(([height, width]) => [height, width, channels]);
  return {
    teacher: { ...rest, extractor: { ...extractor, outputShapes } },
    inputSize: [side, side] as const,
  };
}

function gridOf(given: Partial<SubspaceOptions>, side: number, channels?: number): readonly [number, number] {
  const context = contextOf(side, channels);
  return subspacePlan(withGridLevel(subspaceOptions.parse(given), context), context).grid;
}

describe('the grid of a subspace', () => {
  test.each([
    [64, 16],
    [128, 16],
    [256, 16],
    [512, 32],
  ])('of an input of %d px has %d positions along a side', (side, positions) => {
    expect(gridOf({}, side)).toEqual([positions, positions]);
  });

  test('is the deepest of its levels where a finer one has too many values, unless channels are reduced', () => {
    // 16 x 16 positions of 2 x 200 channels are 102,400 values.
    expect(gridOf({}, 128, 195)).toEqual([16, 16]);
    expect(gridOf({}, 128, 200)).toEqual([8, 8]);
    expect(gridOf({ channels: 40 }, 128, 200)).toEqual([16, 16]);
  });

  test('is not deeper than its levels, and is what the options say', () => {
    expect(gridOf({ levels: [1, 2] }, 256)).toEqual([32, 32]);
    expect(gridOf({ gridLevel: 3 }, 128)).toEqual([8, 8]);
  });
});
