let last: Promise<unknown> = Promise.resolve();

/**
 * Does work after what this was given before has ended. TensorFlow.js has one state for each thread: while a detector is
 * exported nothing else may compute, and two predictions at a time would be no faster than one after the other.
 */
export function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const turn = last.then(work);
  last = turn.catch(() => undefined);
  return turn;
}
