let started: Promise<void> | undefined;

async function start(): Promise<void> {
  const { create, globals } = (await import('webgpu')) as unknown as {
    create: (options: string[]) => GPU;
    globals: Record<string, unknown>;
  };
  Object.assign(globalThis, globals);
  const gpu = create([]);
  if (typeof navigator === 'undefined') {
    Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  } else {
    Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
  }
  await import('@tensorflow/tfjs-backend-webgpu');
}

/** Gives plain Node a `navigator.gpu` (Dawn) and registers the webgpu backend. */
export function startWebgpu(): Promise<void> {
  started ??= start();
  return started;
}
