import { throwIfAborted } from '@dskd/base';
import { imageProblem, type DatasetProblem, type IntensityRange, type Sample } from '@dskd/data';
import { checkGroundTruth } from './ground-truth.js';

export interface TestImagesToRead {
  readonly samples: readonly Sample[];
  /** With which the evaluation will read them. */
  readonly intensityRange?: IntensityRange | undefined;
}

/** Images decoded at a time, at their own size. */
const CONCURRENCY = 2;

/**
 * Decodes images and their ground truth once and forgets them: an evaluation scores images at their own size, which no cache
 * could hold.
 * @returns those that cannot be used, in the order of the samples.
 * @throws {DskdError} `aborted`, `dependency-missing`; whatever a sample's own functions throw.
 */
export async function readTestImages(
  { samples, intensityRange }: TestImagesToRead,
  {
    onRead,
    signal,
  }: { readonly onRead?: (sample: Sample) => void; readonly signal?: AbortSignal | undefined } = {},
): Promise<DatasetProblem[]> {
  const problems: (DatasetProblem | undefined)[] = [];
  const left = samples.entries();
  const readThem = async (): Promise<void> => {
    for (const [index, sample] of left) {
      throwIfAborted(signal);
      try {
        const { width, height } = await sample.load({ intensityRange });
        await checkGroundTruth(sample, { width, height });
      } catch (error) {
        problems[index] = imageProblem(sample, error);
        continue;
      }
      onRead?.(sample);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, readThem));
  throwIfAborted(signal);
  return problems.filter((problem) => problem !== undefined);
}
