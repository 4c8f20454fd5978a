// The tools are plain JavaScript: their tests lie beside them and need no build.
const slow = process.env.DSKD_TEST_TIER === 'slow';

module.exports = {
  ...require('./jest.preset.cjs'),
  testMatch: [slow ? '<rootDir>/**/*.slow.test.mjs' : '<rootDir>/**/!(*.slow).test.mjs'],
};
