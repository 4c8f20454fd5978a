import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

/** For `node --import`: `bullmq` is not found, as where it is not installed. Node runs the hook in a thread, from this same file. */
if (isMainThread) register(import.meta.url);

type Next = (specifier: string, context: unknown) => Promise<unknown>;

export async function resolve(specifier: string, context: unknown, next: Next): Promise<unknown> {
  if (specifier !== 'bullmq') return next(specifier, context);
  await Promise.resolve();
  throw Object.assign(new Error("Cannot find package 'bullmq'"), { code: 'ERR_MODULE_NOT_FOUND' });
}
