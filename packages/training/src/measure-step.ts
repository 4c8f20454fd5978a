import { allocateLocal, allocateShared, HeldFeatures, type BatchLevel } from './feature-batch.js';
import type { StudentRunner } from './student-runner.js';

/** Numbers in [0, 1) without a pattern; how long a step takes does not depend on them. */
function fill(values: Float32Array): Float32Array {
  for (let i = 0; i < values.length; i++) values[i] = (Math.imul(i + 1, 0x9e3779b1) >>> 8) / 0x1000000;
  return values;
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/**
 * How long one optimizer step takes on made-up features: by student, in seconds. Students in threads of their
 * own step at the same time, as in training, others one after another. The students are changed by it. The
 * first call also pays for what is done once (compiling, taking memory).
 * @param levels of the teacher, with the shapes of one image's maps.
 * @param images in the batch.
 */
export async function measureStep(
  runners: readonly StudentRunner[],
  levels: readonly BatchLevel[],
  images: number,
): Promise<Map<string, number>> {
  const threaded = runners.some((runner) => runner.threaded);
  const allocate = threaded ? allocateShared : allocateLocal;
  const image = levels.map(({ shape }) => fill(allocate(shape[0] * shape[1] * shape[2])));
  const features = new HeldFeatures(levels, { images: Array.from({ length: images }, () => image) });
  const measure = async (runner: StudentRunner): Promise<[string, number]> => [
    runner.name,
    await secondsOf(() => runner.step(features, { epoch: 0, step: 0 })),
  ];
  try {
    if (threaded) return new Map(await Promise.all(runners.map(measure)));
    const seconds = new Map<string, number>();
    for (const runner of runners) seconds.set(...(await measure(runner)));
    return seconds;
  } finally {
    features.dispose();
  }
}
