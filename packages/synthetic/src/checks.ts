import { DskdError } from '@dskd/base';

/** @throws {DskdError} `invalid-argument` */
export function assertInteger(name: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw new DskdError('invalid-argument', `Got ${name} ${value}; wanted an integer from ${low} to ${high}.`, {
    details: { name, got: value, low, high },
  });
}

export function assertSize(size: number): void {
  assertInteger('size', size, 128, 1024);
}

export function assertSeed(seed: number): void {
  assertInteger('seed', seed, 0, Number.MAX_SAFE_INTEGER);
}

/** @throws {DskdError} `invalid-argument` */
export function assertOneOf(name: string, value: string, wanted: readonly string[]): void {
  if (wanted.includes(value)) return;
  throw new DskdError('invalid-argument', `Got ${name} ${value}; wanted one of ${wanted.join(', ')}.`, {
    details: { name, got: value, wanted },
  });
}
