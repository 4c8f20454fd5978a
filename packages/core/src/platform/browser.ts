export const gpuHint = 'Use a browser with WebGPU, over https or localhost.';

/** Browsers and their workers bring WebGPU or do not have it. */
export function findGpu(): Promise<GPU | undefined> {
  return Promise.resolve('gpu' in navigator ? navigator.gpu : undefined);
}

/** Nothing to do: a browser's GPU is where tfjs looks for it. */
export function publishGpu(): void {
  // Already in navigator.
}

/** A bundle holds what it imports; native packages never run in a browser. */
export function isInstalled(packageName: string): boolean {
  return !packageName.startsWith('@tensorflow/tfjs-node');
}

export function importNative(packageName: string): Promise<void> {
  return Promise.reject(new Error(`${packageName} runs in Node only.`));
}
