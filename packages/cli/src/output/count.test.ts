import { countRenderer } from './progress.js';

function counted(isTTY: boolean): string {
  let text = '';
  const count = countRenderer('drawn', { isTTY, write: (more) => (text += more) });
  for (let i = 0; i < 3; i++) count(3);
  return text;
}

test('rewrites one line on a terminal and leaves none; says nothing elsewhere', () => {
  expect(counted(true)).toBe('\r\x1b[2Kdrawn 1/3\r\x1b[2Kdrawn 2/3\r\x1b[2K');
  expect(counted(false)).toBe('');
});
