import { appendFileSync } from 'node:fs';
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

/**
 * For `node --import`: writes the URL of every imported module to the file DSKD_RECORD_IMPORTS. Node runs the hook
 * below in a separate thread, from this same file.
 */
if (isMainThread) register(import.meta.url);

interface Resolved {
  readonly url: string;
}

export async function resolve(
  specifier: string,
  context: unknown,
  next: (specifier: string, context: unknown) => Promise<Resolved>,
): Promise<Resolved> {
  const resolved = await next(specifier, context);
  appendFileSync(process.env.DSKD_RECORD_IMPORTS!, `${resolved.url}\n`);
  return resolved;
}
