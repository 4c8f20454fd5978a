import { expectThorough, fuzz } from './fuzz.test.util.js';

test('2000 mutated files are read or refused with a DskdError', () => {
  expectThorough(fuzz(1, 2000));
});
