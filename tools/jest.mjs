// node tools/jest.mjs fast|slow [jest arguments]: runs one tier of the package in the working directory.
// The slow tier is *.slow.test.ts, then *.backends.test.ts on WebGPU where a driver can be had.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { existsSync, readdirSync } from 'node:fs';
import { webgpuEnvironment } from './webgpu-environment.mjs';

const [tier = 'fast', ...rest] = process.argv.slice(2);
const jest = createRequire(import.meta.url).resolve('jest/bin/jest');

function run(name, extra = {}) {
  const { status } = spawnSync(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--expose-gc',
      '--no-warnings=ExperimentalWarning',
      jest,
      // One process a package: turbo runs two packages at a time. The longest package, last to end, asks for two.
      ...(rest.some((argument) => argument.startsWith('--maxWorkers')) ? [] : ['--runInBand']),
      '--passWithNoTests',
      ...rest,
    ],
    { stdio: 'inherit', env: { ...process.env, ...extra, DSKD_TEST_TIER: name } },
  );
  return status ?? 1;
}

let failed = run(tier);
const hasBackendTests =
  existsSync('dist') &&
  readdirSync('dist', { recursive: true }).some((file) => String(file).endsWith('.backends.test.js'));
if (tier === 'slow' && hasBackendTests) {
  const webgpu = webgpuEnvironment();
  if (webgpu.environment) {
    failed ||= run('webgpu', { ...webgpu.environment, DSKD_TEST_BACKENDS: 'webgpu' });
  } else {
    console.log(`SKIPPED webgpu: ${webgpu.reason}`);
  }
}
process.exitCode = failed;
