import { DskdError } from '@dskd/base';

// The native code of ONNX Runtime ends the whole process (`terminate called after throwing an instance of 'Napi::Error'`) where
// the thread that runs it is ended, as `process.exit` does it with all threads. So the exit of the process waits until no
// worker computes, by memory that both threads see: nothing asynchronous happens any more at that time.

/** Cells of the shared memory: whether the worker computes, and whether it must not begin anew. */
const COMPUTES = 0;
const CLOSED = 1;

/** The exit waits so long at most, for each worker. */
const LONGEST_MS = 10_000;

export type NativeGuard = Int32Array<SharedArrayBuffer>;

const guards = new Set<NativeGuard>();

/** Closes all, then waits for those that compute. */
function waitForAll(): void {
  for (const guard of guards) Atomics.store(guard, CLOSED, 1);
  for (const guard of guards) Atomics.wait(guard, COMPUTES, 1, LONGEST_MS);
}

/** A guard of a worker, to be posted to it. The exit of the process waits for it until {@link dropGuard}. */
export function newGuard(): NativeGuard {
  if (guards.size === 0) process.on('exit', waitForAll);
  const guard = new Int32Array(new SharedArrayBuffer(8));
  guards.add(guard);
  return guard;
}

export function dropGuard(guard: NativeGuard): void {
  guards.delete(guard);
  if (guards.size === 0) process.off('exit', waitForAll);
}

/**
 * Runs native work in a worker.
 * @throws {DskdError} `disposed` where the process is ending
 */
export async function guarded<T>(guard: NativeGuard, work: () => Promise<T>): Promise<T> {
  // First said, then asked: the other thread does it the other way round, so that one of the two sees the other.
  Atomics.store(guard, COMPUTES, 1);
  try {
    if (Atomics.load(guard, CLOSED) === 1) throw new DskdError('disposed', 'The process is ending.');
    return await work();
  } finally {
    Atomics.store(guard, COMPUTES, 0);
    Atomics.notify(guard, COMPUTES);
  }
}
