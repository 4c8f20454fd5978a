// Images that are not trained on, and when they say that a training has done all it will do.
import type { HistoryEntry } from '@dskd/base';
import type { ImageSet } from './teacher-features.js';

/** Good images that are not trained on, to end a training when their loss no longer falls. */
export interface HeldOut {
  /** They are always asked for as in epoch 0, whether they change each epoch or not. */
  readonly images: ImageSet;
  /** Epochs in a row in which the loss of no student reaches a new minimum; then the training ends. */
  readonly patience: number;
}

/** A loss that falls by less than this fraction of the lowest one so far has not fallen. */
const LEAST_GAIN = 0.01;

/**
 * Whether no student has got better on held-out images for `patience` epochs. It depends on the losses alone, so that a
 * resumed run ends where an uninterrupted one does.
 */
export function hasSettled(history: readonly HistoryEntry[], patience: number): boolean {
  const measured = history.filter(({ heldOut }) => heldOut !== undefined);
  const students = Object.keys(measured.at(-1)?.heldOut ?? {});
  if (students.length === 0) return false;
  return students.every((name) => {
    let best = Infinity;
    let since = 0;
    for (const { heldOut } of measured) {
      const loss = heldOut?.[name] ?? Infinity;
      if (loss < best * (1 - LEAST_GAIN)) {
        best = loss;
        since = 0;
      } else {
        since += 1;
      }
    }
    return since >= patience;
  });
}
