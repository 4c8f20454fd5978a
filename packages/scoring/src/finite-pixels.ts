import { DskdError } from '@dskd/base';

/** @throws {DskdError} `numerical-instability` when a pixel of the map is NaN or infinite. */
export function assertFinitePixels(values: Float32Array): void {
  const index = values.findIndex((value) => !Number.isFinite(value));
  if (index < 0) return;
  throw new DskdError(
    'numerical-instability',
    `Got ${String(values[index])} at pixel ${index} of an anomaly map; wanted finite values.`,
    {
      hint: 'The network that made the map has diverged, or its weights are damaged.',
      details: { index },
    },
  );
}
