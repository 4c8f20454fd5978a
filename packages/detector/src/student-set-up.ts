// The set-up module of student workers: what a worker thread imports and runs to build its student.
import '@tensorflow/tfjs';
import { selectBackend } from '@dskd/core/backends';
import { registerWasmGradients } from '@dskd/wasm-gradients';
import type { StudentTask } from '@dskd/training';
import { studentTask, type BranchPlan } from './branches.js';

/** What {@link setUpStudent} is sent. */
export interface StudentSetUpOptions {
  readonly plan: BranchPlan;
  readonly backend: string;
  /** Modules imported before the student is built: they register a user's own objectives. URLs. */
  readonly modules: readonly string[];
}

export async function setUpStudent({ plan, backend, modules }: StudentSetUpOptions): Promise<StudentTask> {
  await selectBackend(backend);
  if (backend === 'wasm') registerWasmGradients();
  for (const url of modules) await import(url);
  return studentTask(plan);
}
