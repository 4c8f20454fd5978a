import { expectThorough, fuzz } from './fuzz.test.util.js';

test('2000 mutated files read or are refused by a DskdError', () => {
  expectThorough(fuzz(1, 2000));
});
