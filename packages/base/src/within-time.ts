/**
 * Runs `work` with a signal that aborts with `signal`, or after a time (its reason is then a `TimeoutError`). In place of
 * `AbortSignal.any` with `AbortSignal.timeout`: Node 20 collects such a timeout as garbage, and it never comes.
 * @param milliseconds at most 2^31 - 1.
 */
export async function withinTime<T>(
  signal: AbortSignal,
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const stop = (): void => controller.abort(signal.reason);
  const timer = setTimeout(
    () => controller.abort(new DOMException('The time is over.', 'TimeoutError')),
    milliseconds,
  );
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}
