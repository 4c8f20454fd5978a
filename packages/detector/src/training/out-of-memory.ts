import { DskdError } from '@dskd/base';
import type { Alternative } from '@dskd/methods';
import type { MemoryEstimate } from '@dskd/training';

/**
 * The error of a training that exceeds limits of its backend: of a heap, with its largest part, or of a single tensor.
 * @param alternatives what would fit.
 */
export function outOfMemory(
  estimate: MemoryEstimate,
  hint: string,
  alternatives: readonly Alternative[],
): DskdError {
  const { heaps, parts, largestTensor, exceeded } = estimate;
  return new DskdError('out-of-memory', `This run does not fit: ${exceeded.join('; ')}.`, {
    hint,
    details: { heaps, parts, largestTensor, alternatives },
  });
}
