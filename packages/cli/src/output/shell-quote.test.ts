import { shellQuote } from './shell-quote.js';

test.each([
  [['dskd', 'train', '--data', 'a/b.c'], 'dskd train --data a/b.c'],
  [['good parts', ''], "'good parts' ''"],
  [["o'clock", '$HOME', '`x`'], String.raw`'o'\''clock' '$HOME' '` + "`x`'"],
])('%j', (words, wanted) => {
  expect(shellQuote(words)).toBe(wanted);
});
