import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** Node has no WebGPU of its own: the optional `webgpu` package (Dawn) brings it. */
export const gpuHint = 'Install WebGPU for Node: npm install webgpu';

let dawn: Promise<GPU> | undefined;

/** @throws where the `webgpu` package is not installed or its native part does not load. */
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

/** Puts `gpu` where tfjs looks for it. Node before version 21 has no `navigator` at all. */
export function publishGpu(gpu: GPU): void {
  if (typeof navigator === 'undefined') {
    Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  } else if (!('gpu' in navigator)) {
    Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
  }
}

/** Whether `package` can be loaded, without loading it: tfjs-node makes itself the backend when loaded. */
export function isInstalled(packageName: string): boolean {
  try {
    require.resolve(packageName);
    return true;
  } catch {
    return false;
  }
}

/** Loads one of the native TensorFlow packages; the name is not a literal so that no bundler follows it. */
export async function importNative(packageName: string): Promise<void> {
  await import(packageName);
}
