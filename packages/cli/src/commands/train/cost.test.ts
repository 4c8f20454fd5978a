import type { TrainingCost } from '@dskd/detector';
import { assertFitsHere, describeCost } from './cost.js';

const cost: TrainingCost = {
  bytes: 5.25 * 2 ** 30,
  memory: { total: 5.25 * 2 ** 30, heaps: [], parts: [] },
  steps: 4000,
  secondsPerStep: 2.5,
  seconds: 10_000,
  measured: { images: 16, teacherSeconds: 0.1, students: {} },
  scaled: false,
};

test('a cost in words, rougher where less was measured', () => {
  expect(describeCost(cost)).toBe(
    'this needs 5.3 GiB of memory and about 2h46m here: 4000 steps of 2.50 s (measured)',
  );
  expect(describeCost({ ...cost, scaled: true })).toBe(
    'this needs 5.3 GiB of memory and roughly 2h46m here: 4000 steps of 2.50 s (measured on a smaller step)',
  );
});

test('what cannot fit is refused, with what would', () => {
  expect(() => {
    assertFitsHere(cost, 8 * 2 ** 30);
  }).not.toThrow();
  const alternative = 'What would fit: --preset lite.';
  expect(() => {
    assertFitsHere({ ...cost, alternative }, 4 * 2 ** 30);
  }).toThrow(
    expect.objectContaining({
      code: 'out-of-memory',
      message: expect.stringContaining('needs 5.3 GiB, more than there is here (4.0 GiB') as string,
      hint: alternative,
    }) as Error,
  );
});
