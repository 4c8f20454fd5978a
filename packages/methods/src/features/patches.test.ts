import { planPatches } from './patches.js';
import { poolingTeacher, SIDE } from './pooling-teacher.test.util.js';

const { extractor } = poolingTeacher();

function plan(levels: number[], gridLevel: number): ReturnType<typeof planPatches> {
  return planPatches(extractor, [SIDE, 2 * SIDE], { levels, gridLevel });
}

test('levels come from shallow to deep, each once; the grid is that of its level', () => {
  expect(plan([3, 1, 3], 2)).toEqual({
    levels: [0, 2],
    grid: [4, 8],
    embedding: 'concat',
    gridFirst: false,
    width: 9,
  });
});

test.each<[number[], number, number]>([
  [[0], 1, 0],
  [[2, 4], 1, 4],
  [[1], 4, 4],
  [[1], 0, 0],
])('levels %p on the grid of level %p: level %p is not there', (levels, gridLevel, wrong) => {
  expect(() => plan(levels, gridLevel)).toThrow(
    expect.objectContaining({
      code: 'invalid-config',
      message: `Got level ${wrong} of teacher pooling; wanted levels from 1 (the shallowest) to 3.`,
    }) as Error,
  );
});
