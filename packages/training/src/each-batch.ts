import type { FeatureBatch, HeldFeatures } from './feature-batch.js';
import type { BatchRequest, LoadedImages, TeacherFeatures } from './teacher-features.js';

/** Lets messages that were just posted leave before this thread is busy. */
function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/**
 * Calls `visit` for batches `from` to `to - 1`, one after another, and disposes each. One batch is prepared
 * ahead: its images always, its features too if students run in threads of their own. What is computed
 * does not depend on that.
 */
export async function eachBatch(
  source: TeacherFeatures,
  range: { readonly from: number; readonly to: number; at(batch: number): BatchRequest },
  visit: (features: FeatureBatch, batch: number) => Promise<void>,
): Promise<void> {
  const prepare = async (batch: number): Promise<{ loaded: LoadedImages } | { features: HeldFeatures }> => {
    const loaded = await source.load(range.at(batch));
    if (!source.canRunAhead) return { loaded };
    await yieldToEventLoop();
    return { features: await source.extract(loaded) };
  };

  let ahead: ReturnType<typeof prepare> | undefined;
  try {
    for (let batch = range.from; batch < range.to; batch++) {
      const prepared = await (ahead ?? prepare(batch));
      ahead = undefined;
      const features = 'features' in prepared ? prepared.features : await source.extract(prepared.loaded);
      try {
        const visiting = visit(features, batch);
        if (batch + 1 < range.to) {
          ahead = prepare(batch + 1);
          // Whoever awaits it sees the error; until then it is not an unhandled one.
          ahead.catch(() => undefined);
        }
        await visiting;
      } finally {
        features.dispose();
      }
    }
  } finally {
    const unused = await ahead?.catch(() => undefined);
    if (unused && 'features' in unused) unused.features.dispose();
    else unused?.loaded.images?.dispose();
  }
}
