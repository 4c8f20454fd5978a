import '@tensorflow/tfjs';
import { selectBackend, type SelectedBackend } from '@dskd/core/backends';
import { registerWasmGradients } from '@dskd/wasm-gradients';

/** Makes `name` (or the best there is) the backend of this process, able to train. */
export async function startBackend(name: string): Promise<SelectedBackend> {
  const selected = await selectBackend(name);
  if (selected.name === 'wasm') registerWasmGradients();
  return selected;
}
