import { batchesOfEpoch, countSteps, largestBatch } from './schedule.js';

describe('The batches of an epoch', () => {
  test.each([
    [8, 4, [4, 4]],
    [10, 4, [4, 4, 2]],
    // A single image left over joins the batch before.
    [9, 4, [4, 5]],
    [5, 4, [5]],
    [3, 4, [3]],
    [1, 4, [1]],
    [3, 1, [1, 1, 1]],
  ])('%i images in batches of %i', (images, batchSize, sizes) => {
    const batches = batchesOfEpoch(images, batchSize, 3, 0);
    expect(batches.map(({ length }) => length)).toEqual(sizes);
    expect(countSteps(images, batchSize)).toBe(sizes.length);
    expect(largestBatch(images, batchSize)).toBe(Math.max(...sizes));
    expect(batches.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: images }, (_, i) => i));
  });

  test('depend on seed and epoch, on nothing else', () => {
    const batches = batchesOfEpoch(50, 8, 1, 2);
    expect(batchesOfEpoch(50, 8, 1, 2)).toEqual(batches);
    expect(batchesOfEpoch(50, 8, 1, 3)).not.toEqual(batches);
    expect(batchesOfEpoch(50, 8, 2, 2)).not.toEqual(batches);
    expect(batchesOfEpoch(50, 5, 1, 2).flat()).toEqual(batches.flat());
  });
});
