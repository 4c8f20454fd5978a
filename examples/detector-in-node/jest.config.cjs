// Plain JavaScript: the test lies beside the program and needs no build of its own.
module.exports = {
  ...require('../../tools/jest.preset.cjs'),
  testMatch: ['<rootDir>/*.test.mjs'],
};
