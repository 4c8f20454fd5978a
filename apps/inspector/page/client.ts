import { proxy, wrap, type Remote } from 'comlink';
import type { InspectorApi, OnProgress } from './worker/api.js';

const worker = new Worker(new URL('./worker/inspector-worker.ts', import.meta.url), {
  type: 'module',
  name: 'inspector',
});

/** The one worker of the page. */
export const inspector: Remote<InspectorApi> = wrap<InspectorApi>(worker);

let tasks = 0;

/** A call that can be stopped: `aborted` by name is then its error. */
export function cancellable<T>(
  call: (task: number, onProgress: OnProgress) => Promise<T>,
  { onProgress, signal }: { readonly onProgress: OnProgress; readonly signal: AbortSignal },
): Promise<T> {
  const task = ++tasks;
  const stop = (): void => void inspector.cancel(task);
  signal.addEventListener('abort', stop);
  return call(task, proxy(onProgress)).finally(() => signal.removeEventListener('abort', stop));
}

export function isAborted(error: unknown): boolean {
  return error instanceof Error && error.name === 'aborted';
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
