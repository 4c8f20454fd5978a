// Links, paths and names in the documents must exist.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => existsSync(path.join(root, file)));
const read = (file) => readFileSync(path.join(root, file), 'utf8');
const documents = tracked.filter((file) => file.endsWith('.md') && !file.startsWith('.changeset/'));

test('relative links lead to files', () => {
  const broken = documents.flatMap((file) =>
    [...read(file).matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)[^)]*\)/g)]
      .filter(([, target]) => !existsSync(path.join(root, path.dirname(file), target)))
      .map(([, target]) => `${file}: ${target}`),
  );
  expect(broken).toEqual([]);
});

// Decisions keep the paths of their day.
test('paths in the documents of the repository exist', () => {
  const current = documents.filter((file) => /^(README|CONTRIBUTING|docs\/[a-z]+)\.md$/.test(file));
  expect(current).toContain('docs/architecture.md');
  const broken = current.flatMap((file) =>
    [...read(file).matchAll(/`((?:packages|tools|bench|examples|docs)\/[\w./-]+)`/g)]
      .filter(([, target]) => !target.includes('NAME') && !existsSync(path.join(root, target)))
      .map(([, target]) => `${file}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test('the names in the glossary are in the code', () => {
  const sources = tracked
    .filter((file) => /^packages\/[^/]+\/src\/.*\.ts$/.test(file))
    .map(read)
    .join('\n');
  const words = new Set(sources.match(/\w+/g));
  const cells = read('docs/glossary.md')
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').at(-2));
  const names = cells.flatMap((cell) => [...cell.matchAll(/`([\w.]+)`/g)].map(([, name]) => name));
  const unknown = names
    .filter((name) => !name.endsWith('.ts'))
    .flatMap((name) => name.split('.'))
    .filter((name) => !words.has(name));
  expect(names.length).toBeGreaterThan(30);
  expect(unknown).toEqual([]);
});
