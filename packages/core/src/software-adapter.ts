/** Whether the CPU emulates a WebGPU adapter: it says so, or it has the name of a known software renderer. */
export function isSoftwareAdapter(info: Partial<GPUAdapterInfo>): boolean {
  const text = [info.vendor, info.architecture, info.device, info.description].join(' ');
  return (
    info.isFallbackAdapter === true ||
    /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b|software/i.test(text)
  );
}
