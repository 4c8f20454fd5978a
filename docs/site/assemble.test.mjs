// Links of a page on the site: to pages, images, and files that are no page.
import { rewriteLinks } from './assemble.mjs';

const pages = new Map([
  ['README.md', 'index.md'],
  ['docs/method.md', 'method.md'],
  ['docs/decisions/README.md', 'decisions/index.md'],
  ['packages/losses/README.md', 'packages/losses.md'],
]);

function rewritten(text, { repository, file = 'packages/losses/README.md' } = {}) {
  const images = [];
  const onImage = (image) => images.push(image);
  const changed = rewriteLinks(text, { file, page: pages.get(file), pages, repository, onImage });
  return { changed, images };
}

test.each([
  ['[a](../../README.md#run-the-tests)', '[a](../index.md#run-the-tests)'],
  ['[a](../../docs/decisions)', '[a](../decisions/index.md)'],
  ['[`code`](../../docs/method.md)', '[`code`](../method.md)'],
  ['[a](#here) [b](https://example.org/x.md)', '[a](#here) [b](https://example.org/x.md)'],
  ['`[a](../nowhere.md)`', '`[a](../nowhere.md)`'],
  ['```ts\nconst a = b[0](c);\n```', '```ts\nconst a = b[0](c);\n```'],
])('%s', (text, wanted) => {
  expect(rewritten(text).changed).toBe(wanted);
});

test('an image is copied, also inside a link and in HTML', () => {
  const image = '![demo](../../docs/demo.jpg)';
  expect(rewritten(image)).toEqual({
    changed: '![demo](../files/docs/demo.jpg)',
    images: ['docs/demo.jpg'],
  });
  expect(rewritten(`[${image}](../../docs/method.md)`).changed).toBe(
    '[![demo](../files/docs/demo.jpg)](../method.md)',
  );
  expect(rewritten('<img src="../../docs/demo.jpg">').changed).toBe('<img src="../files/docs/demo.jpg">');
});

test('a file that is no page is a link to the repository, or text where that is not known', () => {
  const text = '[the code](src/cosine.ts)';
  expect(rewritten(text, { repository: 'https://example.org/r' }).changed).toBe(
    '[the code](https://example.org/r/blob/main/packages/losses/src/cosine.ts)',
  );
  expect(rewritten('[src](src)', { repository: 'https://example.org/r' }).changed).toBe(
    '[src](https://example.org/r/tree/main/packages/losses/src)',
  );
  expect(rewritten(text).changed).toBe('the code');
});

test('a link to a file that does not exist is an error that names both', () => {
  expect(() => rewritten('[a](gone.md)')).toThrow(
    'packages/losses/README.md: there is no packages/losses/gone.md',
  );
});
