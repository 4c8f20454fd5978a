// Links, paths and names in the documents exist: relative links of all documents, paths in the current ones, functions of
// docs/equations.md in the linked files, and names of docs/glossary.md in the code.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const documents = execFileSync('git', ['ls-files', '-z', '--', '*.md'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((file) => file !== '' && existsSync(path.join(root, file)));

/** Targets of the links of a text outside code blocks, without anchors and without other sites. */
function targetsOf(text) {
  const prose = text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target.split('#')[0])
    .filter((target) => target !== '' && !/^[a-z]+:/i.test(target));
}

test('relative links exist', () => {
  const broken = documents.flatMap((file) =>
    targetsOf(readFileSync(path.join(root, file), 'utf8'))
      .filter((target) => !existsSync(path.resolve(root, path.dirname(file), decodeURI(target))))
      .map((target) => `${file}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test('the functions of docs/equations.md are exported by the linked files', () => {
  const rows = readFileSync(path.join(root, 'docs/equations.md'), 'utf8')
    .split('\n')
    .map((line) => /\|([^|]*)\|\s*\[[^\]]*\]\((\S+)\)\s*\|$/.exec(line))
    .filter(Boolean);
  expect(rows.length).toBeGreaterThan(30);
  const missing = rows.flatMap(([, functions, target]) => {
    const source = readFileSync(path.resolve(root, 'docs', target), 'utf8');
    const names = [...functions.matchAll(/`(\w+)(?:\.\w+)?`/g)].map(([, name]) => name);
    expect(names).not.toEqual([]);
    return names.filter(
      (name) => !new RegExp(`^export (?:class|const|(?:async )?function) ${name}\\b`, 'm').test(source),
    );
  });
  expect(missing).toEqual([]);
});

// Decisions keep the paths of their day.
test('paths in the documents of the repository exist', () => {
  const current = documents.filter((file) => /^(README|CONTRIBUTING|docs\/[a-z]+)\.md$/.test(file));
  expect(current).toContain('docs/architecture.md');
  const broken = current.flatMap((file) =>
    [
      ...readFileSync(path.join(root, file), 'utf8').matchAll(
        /`((?:packages|tools|bench|examples|docs)\/[\w./-]+)`/g,
      ),
    ]
      .filter(([, target]) => !/NAME|^docs\/build\//.test(target) && !existsSync(path.join(root, target)))
      .map(([, target]) => `${file}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test('the names in the glossary are in the code', () => {
  const sources = execFileSync('git', ['grep', '-hE', '\\w', '--', 'packages/*/src/*.ts'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  const words = new Set(sources.match(/\w+/g));
  const cells = readFileSync(path.join(root, 'docs/glossary.md'), 'utf8')
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
