// docs/equations.md names functions of the linked files.
import { readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
test('the functions of docs/equations.md are exported by the linked files', () => {
  const rows = readFileSync(path.join(root, 'docs/equations.md'), 'utf8')
    .split('\n')
    .map((line) => /\|([^|]*)\|\s*\[[^\]]*\]\((\S+)\)\s*\|$/.exec(line))
    .filter(Boolean);
  expect(rows.length).toBeGreaterThan(30);
  const missing = rows.flatMap(([, functions, target]) => {
    const source = readFileSync(path.resolve(root, 'docs', target), 'utf8');
    const names = [...functions.matchAll(/`(\w+)`/g)].map(([, name]) => name);
    expect(names).not.toEqual([]);
    return names.filter(
      (name) => !new RegExp(`^export (?:class|(?:async )?function) ${name}\\b`, 'm').test(source),
    );
  });
  expect(missing).toEqual([]);
});
