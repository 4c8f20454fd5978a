import { RepeatedFailure } from './repeated-failure.js';

test('the first failure is told, another one, and the same one every five minutes with how many came meanwhile', () => {
  const failures = new RepeatedFailure();
  expect(failures.next('away', 0)).toBe(0);
  expect(failures.next('away', 15_000)).toBeUndefined();
  expect(failures.next('away', 30_000)).toBeUndefined();
  expect(failures.next('no right', 45_000)).toBe(2);
  expect(failures.next('no right', 60_000)).toBeUndefined();
  expect(failures.next('no right', 345_000)).toBe(1);
  expect(failures.next('no right', 346_000)).toBeUndefined();
  failures.reset();
  expect(failures.next('no right', 347_000)).toBe(0);
});
