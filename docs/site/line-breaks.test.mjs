import { cellClass, hasColumns, keepWords } from './line-breaks.mjs';

test('a flag is not broken after its hyphens; other words may be', () => {
  expect(keepWords('<code v-pre>dskd synth --force DIR</code>')).toBe(
    '<code v-pre>dskd synth <span class="whole">--force</span> DIR</code>',
  );
});

test('a long path may be broken, else it would not fit on a phone', () => {
  const html = '<code>packages/test-support/src/backends.ts</code>';
  expect(keepWords(html)).toBe(html);
});

test.each([
  ['128 px', 'short'],
  ['2026-11-24', 'short'],
  ['[`@dskd/wasm-gradients`](../packages/wasm-gradients/README.md)', 'short'],
  ['misses only: no test images', undefined],
  ['train a detector on images of good parts only', undefined],
  ['score the test images of a dataset and compare with its labels and masks', 'long'],
])('a cell with %p is %p', (content, name) => {
  expect(cellClass(content)).toBe(name);
});

test('columns are told from sentences and from indented lines', () => {
  expect(hasColumns('split  label  images\ntrain  good   9')).toBe(true);
  expect(hasColumns("{\n  'AU-sPRO mean': 0.73\n}")).toBe(false);
});
