export const gpuHint = 'Use a browser with WebGPU, over https or localhost.';

/** Returns the browser's WebGPU, if it has one. */
export function findGpu(): Promise<GPU | undefined> {
  return Promise.resolve('gpu' in navigator ? navigator.gpu : undefined);
}

/** Does nothing: tfjs finds the GPU of a browser. */
export function publishGpu(): void {
  // Already in navigator.
}

/** A bundle contains what it imports; native packages never run in a browser. */
export function isInstalled(packageName: string): boolean {
  return !packageName.startsWith('@tensorflow/tfjs-node');
}

export function importNative(packageName: string): Promise<void> {
  return Promise.reject(new Error(`${packageName} runs in Node only.`));
}
