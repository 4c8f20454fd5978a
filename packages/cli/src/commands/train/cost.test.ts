import type { TrainingCost } from '@dskd/detector';
import { assertFitsHere, describeCost } from './cost.js';

const cost: TrainingCost = {
  bytes: 5.25 * 2 ** 30,
  memory: { total: 5.25 * 2 ** 30, heaps: [], parts: [], exceeded: [] },
  steps: 4000,
  secondsPerStep: 2.5,
  seconds: 10_000,
  images: 320,
  alternatives: [],
};

test('prints a cost, without a time if none was measured', () => {
  expect(describeCost(cost)).toBe(
    'this needs 5.3 GiB of memory and at most about 2h46m here: 4000 steps of 2.50 s (measured)',
  );
  expect(describeCost({ ...cost, seconds: null, secondsPerStep: null })).toBe(
    'this needs 5.3 GiB of memory here',
  );
});

test('a method without steps has a memory and one pass', () => {
  expect(describeCost({ ...cost, steps: 0, seconds: null, secondsPerStep: null })).toBe(
    'this needs 5.3 GiB of memory here; the method has no training steps to measure: most of its time is one pass over the images',
  );
});

test('refuses a training that does not fit, and lists alternatives', () => {
  expect(() => {
    assertFitsHere(cost, 8 * 2 ** 30);
  }).not.toThrow();
  const alternatives = [{ kind: 'preset', value: 'lite' }] as const;
  expect(() => {
    assertFitsHere({ ...cost, alternatives }, 4 * 2 ** 30);
  }).toThrow(
    expect.objectContaining({
      code: 'out-of-memory',
      message: expect.stringContaining('needs 5.3 GiB, more than there is here (4.0 GiB') as string,
      details: expect.objectContaining({ alternatives }) as object,
    }) as Error,
  );
});
