// node tools/jest.mjs fast|slow [jest arguments]: runs one tier of the package in the working directory.
// The slow tier is *.slow.test.ts, then *.backends.test.ts: on cpu the suites that are too slow there for the fast tier, and on
// WebGPU where a driver can be had.
// DSKD_TEST_SECONDS=FILE appends a line { package, tier, seconds } for each tier that ran.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { appendFileSync, existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { webgpuEnvironment } from './webgpu-environment.mjs';

const [tier = 'fast', ...rest] = process.argv.slice(2);
const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
const root = path.resolve(import.meta.dirname, '..');

function run(name, extra = {}) {
  const started = performance.now();
  const { status } = spawnSync(
    process.execPath,
    [
      // Every core has a lane of its own: threads that collect garbage and compile beside it cost more than they bring.
      '--single-threaded',
      '--max-semi-space-size=64',
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
  const seconds = (performance.now() - started) / 1000;
  if (process.env.DSKD_TEST_SECONDS) {
    const line = { package: path.relative(root, process.cwd()), tier: name, seconds };
    appendFileSync(process.env.DSKD_TEST_SECONDS, `${JSON.stringify(line)}\n`);
  }
  return status ?? 1;
}

/** The compiled tests of the package. A test whose source is gone is deleted: `tsc -b` leaves it there. */
function compiledTests() {
  if (!existsSync('dist')) return [];
  const tests = readdirSync('dist', { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.test.js'));
  const isStale = (file) => !existsSync(path.join('src', file.replace(/js$/, 'ts')));
  for (const file of tests.filter(isStale)) rmSync(path.join('dist', file));
  return tests.filter((file) => !isStale(file));
}

const hasBackendTests = compiledTests().some((file) => file.endsWith('.backends.test.js'));
let failed = run(tier);
if (tier === 'slow' && hasBackendTests) {
  const webgpu = webgpuEnvironment();
  if (!webgpu.environment) console.log(`SKIPPED webgpu: ${webgpu.reason}`);
  const backends = webgpu.environment ? 'cpu,webgpu' : 'cpu';
  failed ||= run('webgpu', { ...webgpu.environment, DSKD_TEST_BACKENDS: backends });
}
process.exitCode = failed;
