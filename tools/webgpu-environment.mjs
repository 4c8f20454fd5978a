// What the `webgpu` package (Dawn) needs on a machine without a GPU: SwiftShader's Vulkan driver,
// which Debian's chromium package carries.
import { existsSync } from 'node:fs';

const DRIVER = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** @returns {{ environment?: Record<string, string>, reason?: string }} */
export function webgpuEnvironment() {
  if (process.env.VK_ICD_FILENAMES) return { environment: {} };
  if (existsSync(DRIVER)) {
    return { environment: { VK_ICD_FILENAMES: DRIVER, XDG_RUNTIME_DIR: '/tmp' } };
  }
  return { reason: `no Vulkan driver: ${DRIVER} is missing (apt-get install chromium brings it)` };
}
