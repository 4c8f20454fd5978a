import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** Node has no WebGPU; the optional package `webgpu` (Dawn) provides it. */
export const gpuHint = 'Install WebGPU for Node: npm install webgpu';

let dawn: Promise<GPU> | undefined;

/** @throws if the package `webgpu` is not installed or its native part cannot be loaded. */
export function findGpu(): Promise<GPU | undefined> {
  dawn ??= startDawn();
  return dawn;
}

async function startDawn(): Promise<GPU> {
  if (typeof navigator !== 'undefined' && 'gpu' in navigator) return navigator.gpu;
  const { create, globals } = (await import('webgpu')) as unknown as {
    create: (options: string[]) => GPU;
    globals: Record<string, unknown>;
  };
  Object.assign(globalThis, globals);
  return create([]);
}

/** Sets `navigator.gpu`, where tfjs looks for it. Node before version 21 has no `navigator`. */
export function publishGpu(gpu: GPU): void {
  if (typeof navigator === 'undefined') {
    Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  } else if (!('gpu' in navigator)) {
    Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
  }
}

/** Whether the package can be loaded. Does not load it: tfjs-node selects itself as the backend when it is loaded. */
export function isInstalled(packageName: string): boolean {
  try {
    require.resolve(packageName);
    return true;
  } catch {
    return false;
  }
}

/** Loads a native TensorFlow package. The name is not a literal, so that bundlers do not follow it. */
export async function importNative(packageName: string): Promise<void> {
  await import(packageName);
}
