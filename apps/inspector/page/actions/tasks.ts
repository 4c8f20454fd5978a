import { cancellable, inspector, isAborted, reasonOf } from '../client.js';
import { t } from '../languages/index.js';
import { compute, say, task, type Task } from '../state.js';
import type { OnProgress, Progress } from '../worker/api.js';

/**
 * Does one task with a bar and, where the worker can stop it, a button to cancel.
 * @param onProgress is told what the bar shows, too.
 * @returns what the task gave; undefined where it failed or was canceled, which the status line then says.
 */
export async function runTask<T>(
  kind: Task['kind'],
  call: (task: number, onProgress: OnProgress) => Promise<T>,
  onProgress: (progress: Progress) => void = () => undefined,
): Promise<T | undefined> {
  if (task.value) return undefined;
  const controller = new AbortController();
  const cancel = (): void => controller.abort();
  task.value = { kind, cancel };
  const show = (progress: Progress): void => {
    onProgress(progress);
    if (task.value?.cancel === cancel) task.value = { kind, cancel, progress };
  };
  try {
    const result = await cancellable(call, { onProgress: show, signal: controller.signal });
    compute.value = await inspector.facts();
    return result;
  } catch (error) {
    if (isAborted(error)) say(() => t('canceled'));
    else say(() => t('failed', { reason: reasonOf(error) }), true);
    return undefined;
  } finally {
    task.value = undefined;
  }
}

/**
 * Does something short that may fail, which the status line then says.
 * @returns whether it was done.
 */
export async function attempt(work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    say(() => t('failed', { reason: reasonOf(error) }), true);
    return false;
  }
}
