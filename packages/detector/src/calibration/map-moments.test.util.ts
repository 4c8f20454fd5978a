import type { Sample } from '@dskd/data';
import type { Detector } from '../inference/detector.js';

/** The scores of `samples`, and mean and deviation of each branch's maps over all their pixels. */
export async function momentsOver(
  detector: Detector,
  samples: readonly Sample[],
): Promise<{ scores: number[]; moments: Record<string, { mean: number; deviation: number }> }> {
  const predictions = await detector.predict(await Promise.all(samples.map((sample) => sample.load())));
  const moments = Object.fromEntries(
    Object.keys(predictions[0]!.branches).map((name) => {
      const values = predictions.flatMap(({ branches }) => [...branches[name]!.map!.data]);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      return [name, { mean, deviation: Math.sqrt(variance) }];
    }),
  );
  return { scores: predictions.map(({ score }) => score), moments };
}

/** Expects the maps, which must not be smoothed, to be normalized by their own mean and deviation. */
export function expectNormalized(moments: Record<string, { mean: number; deviation: number }>): void {
  expect(Object.keys(moments)).toEqual(['local', 'global']);
  for (const { mean, deviation } of Object.values(moments)) {
    expect(Math.abs(mean)).toBeLessThan(1e-4);
    expect(Math.abs(deviation - 1)).toBeLessThan(1e-4);
  }
}
