// Tests run as compiled by tsc (docs/decisions/0001): what is tested is what is shipped.
// *.test.ts            fast tier
// *.backends.test.ts   fast tier on cpu and wasm; once more on webgpu in the slow tier
// *.slow.test.ts       slow tier
const path = require('node:path');

const tier = process.env.DSKD_TEST_TIER ?? 'fast';
const testMatch = {
  fast: ['<rootDir>/dist/**/!(*.slow).test.js'],
  slow: ['<rootDir>/dist/**/*.slow.test.js'],
  webgpu: ['<rootDir>/dist/**/*.backends.test.js'],
}[tier];

/** Parts of `@tensorflow/tfjs` that few tests use, a third of the time of its import in every test file. */
const SELDOM_USED = '^@tensorflow/tfjs-(layers|data|converter|backend-webgl)$';

module.exports = {
  testEnvironment: path.join(__dirname, 'jest-environment.cjs'),
  testMatch,
  transform: {},
  moduleNameMapper: { [SELDOM_USED]: path.join(__dirname, 'jest-nothing.cjs') },
  testTimeout: tier === 'fast' ? 60_000 : 600_000,
};
