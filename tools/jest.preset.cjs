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

module.exports = {
  testEnvironment: path.join(__dirname, 'jest-environment.cjs'),
  testMatch,
  transform: {},
  // npm run dev learns from each run how long the test files take.
  reporters: [
    'default',
    path.join(__dirname, 'dev/seconds-reporter.cjs'),
    path.join(__dirname, 'exit-reporter.cjs'),
  ],
  moduleNameMapper: tier === 'webgpu' ? {} : require('./jest-shared-tfjs.cjs').mapper(),
  testTimeout: tier === 'fast' ? 60_000 : 600_000,
};
