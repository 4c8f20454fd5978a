import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { compactTestSeconds, readTestSeconds } from './test-seconds.mjs';

let folder;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'dskd dev '))));
afterEach(() => rmSync(folder, { recursive: true }));

test('of the last three times of each test the least counts, and they are kept; a line that was cut off is not', () => {
  const file = path.join(folder, 'new', 'test-seconds');
  expect(readTestSeconds(file)).toEqual(new Map());
  compactTestSeconds(file);
  const lines = ['0.5 /a b/x.test.js', '1.5 /a b/x.test.js', '3 /y.test.js', '4 /a b/x.test.js'];
  appendFileSync(file, [...lines, '2 /a b/x.test.js', '12'].join('\n'));
  expect(readTestSeconds(file)).toEqual(
    new Map([
      ['/a b/x.test.js', 1.5],
      ['/y.test.js', 3],
    ]),
  );
  compactTestSeconds(file);
  expect(readFileSync(file, 'utf8')).toBe(
    '1.5 /a b/x.test.js\n4 /a b/x.test.js\n2 /a b/x.test.js\n3 /y.test.js\n',
  );
});
