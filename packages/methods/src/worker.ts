// What a worker thread imports to build its network: backend, gradients, the user's modules, then the method's own module.
import '@tensorflow/tfjs';
import { selectBackend } from '@dskd/core/backends';
import type { StudentTask } from '@dskd/training';
import { registerWasmGradients } from '@dskd/wasm-gradients';

/** What {@link setUpStudent} is sent. */
export interface WorkerSetUp {
  readonly backend: string;
  /** URLs. */
  readonly modules: readonly string[];
  /** Of the `RunnerPlan`. */
  readonly setUpModule: string;
  readonly options: unknown;
}

export async function setUpStudent({
  backend,
  modules,
  setUpModule,
  options,
}: WorkerSetUp): Promise<StudentTask> {
  await selectBackend(backend);
  if (backend === 'wasm') registerWasmGradients();
  for (const url of modules) await import(url);
  const method = (await import(setUpModule)) as { setUpStudent(options: unknown): StudentTask };
  return method.setUpStudent(options);
}
