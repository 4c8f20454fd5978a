import { randomStream } from '@dskd/base';

/**
 * Steps of one epoch. Nothing is dropped: what is left after the full batches is trained on as a smaller
 * batch, as torch's DataLoader does, except that a single leftover picture joins the batch before it,
 * because batch norm over one picture of 1 x 1 positions has no variance (torch refuses it).
 */
export function countSteps(pictures: number, batchSize: number): number {
  const rest = pictures % batchSize;
  const full = Math.floor(pictures / batchSize);
  return rest === 0 || (rest === 1 && full > 0) ? full : full + 1;
}

/** The most pictures that one step sees. */
export function largestBatch(pictures: number, batchSize: number): number {
  if (pictures < batchSize) return pictures;
  return pictures % batchSize === 1 && batchSize > 1 ? batchSize + 1 : batchSize;
}

/** The picture indices of each step of `epoch`, shuffled by the stream (seed, 'shuffle', epoch). */
export function batchesOfEpoch(pictures: number, batchSize: number, seed: number, epoch: number): number[][] {
  const order = randomStream(seed, 'shuffle', epoch).shuffle(Array.from({ length: pictures }, (_, i) => i));
  const steps = countSteps(pictures, batchSize);
  return Array.from({ length: steps }, (_, step) =>
    order.slice(step * batchSize, step === steps - 1 ? pictures : (step + 1) * batchSize),
  );
}
