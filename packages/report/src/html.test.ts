import { escapeHtml, Html, markup } from './html.js';

test('text is escaped, in content and in attributes; markup and numbers are not', () => {
  const hostile = `<script>"a" & 'b'</script>`;
  const inner = markup`<b>${hostile}</b>`;
  const escaped = '&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;';
  expect(markup`<i title="${hostile}">${inner}${3}</i>`.text).toBe(
    `<i title="${escaped}"><b>${escaped}</b>3</i>`,
  );
});

test('lists are joined, undefined and false give an empty string', () => {
  expect(markup`${['a', markup`<b></b>`, [1, '&']]}|${undefined}|${false}`.text).toBe('a<b></b>1&amp;||');
});

test('a backslash in a template or in a text is kept', () => {
  expect(markup`a\\b ${'c:\\d'}`.text).toBe('a\\b c:\\d');
});

test('characters that HTML does not allow become the replacement character; tabs, line breaks and emoji are kept', () => {
  expect(escapeHtml('a\u0000b\u001b[31m\u0085\ud800c\udc00')).toBe('a�b�[31m��c�');
  expect(escapeHtml('\t\n😀é\u202e')).toBe('\t\n😀é\u202e');
});

test('only values made by markup are inserted unescaped', () => {
  expect(markup`${new Html('<hr>')}`.text).toBe('<hr>');
});
