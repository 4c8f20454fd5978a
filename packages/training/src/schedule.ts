import { randomStream } from '@dskd/base';

/**
 * Steps of one epoch. Nothing is dropped: what is left after the full batches is trained on as a smaller
 * batch, as torch's DataLoader does, except that a single leftover image joins the batch before it,
 * because batch norm over one image of 1 x 1 positions has no variance (torch refuses it).
 */
export function countSteps(images: number, batchSize: number): number {
  const rest = images % batchSize;
  const full = Math.floor(images / batchSize);
  return rest === 0 || (rest === 1 && full > 0) ? full : full + 1;
}

/** The most images that one step sees. */
export function largestBatch(images: number, batchSize: number): number {
  if (images < batchSize) return images;
  return images % batchSize === 1 && batchSize > 1 ? batchSize + 1 : batchSize;
}

/** The image indices of each step of `epoch`, shuffled by the stream (seed, 'shuffle', epoch). */
export function batchesOfEpoch(images: number, batchSize: number, seed: number, epoch: number): number[][] {
  const order = randomStream(seed, 'shuffle', epoch).shuffle(Array.from({ length: images }, (_, i) => i));
  const steps = countSteps(images, batchSize);
  return Array.from({ length: steps }, (_, step) =>
    order.slice(step * batchSize, step === steps - 1 ? images : (step + 1) * batchSize),
  );
}
