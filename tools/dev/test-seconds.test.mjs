import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { compactTestSeconds, readTestSeconds } from './test-seconds.mjs';

let folder;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'dskd dev '))));
afterEach(() => rmSync(folder, { recursive: true }));

test('the last time of each test counts and is kept; a line that was cut off is not', () => {
  const file = path.join(folder, 'new', 'test-seconds');
  expect(readTestSeconds(file)).toEqual(new Map());
  compactTestSeconds(file);
  appendFileSync(file, '1.5 /a b/x.test.js\n3 /y.test.js\n0.25 /a b/x.test.js\n12');
  expect(readTestSeconds(file)).toEqual(
    new Map([
      ['/a b/x.test.js', 0.25],
      ['/y.test.js', 3],
    ]),
  );
  compactTestSeconds(file);
  expect(readFileSync(file, 'utf8')).toBe('0.25 /a b/x.test.js\n3 /y.test.js\n');
});
