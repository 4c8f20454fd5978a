import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ERROR_CATALOG } from './error-catalog.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const DOCUMENT = path.join(ROOT, 'docs/errors.md');
const CODES = Object.keys(ERROR_CATALOG).sort();

const HEAD = `# Errors

Every error of dskd is a \`DskdError\`: its \`code\` is for programs and stays the same between versions, its message says what was
given and what was wanted, its \`hint\` what to do, and \`details\` has the values. \`isDskdError(error, code)\` of \`@dskd/base\`
recognizes it. The command line prints message and hint; with \`--json\` its last line has the code, too. There \`system\` stands
for an error of the operating system and \`internal\` for a bug in dskd.

The codes in alphabetical order. This page is made of \`ERROR_CATALOG\` of \`@dskd/base\`.
`;

function documentOf(catalog: typeof ERROR_CATALOG): string {
  const sections = Object.entries(catalog)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { meaning, remedy }]) => `## ${code}\n\n${meaning}\n\n**What to do:** ${remedy}\n`);
  return [HEAD, ...sections].join('\n');
}

/** Sources of all packages, without tests. */
function sources(): string[] {
  const packages = path.join(ROOT, 'packages');
  return readdirSync(packages).flatMap((name) => {
    const folder = path.join(packages, name, 'src');
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.includes('.test.'))
      .map((file) => readFileSync(path.join(folder, file), 'utf8'));
  });
}

/** `new DskdError('code'` and `new DskdError(condition ? 'code' : 'other'`. */
const THROWN = /new DskdError\(\s*(?:[\w.!() >=<]+\?\s*)?'([a-z-]+)'(?:\s*:\s*'([a-z-]+)')?/g;

test('docs/errors.md lists every code (DSKD_RENEW=1 writes it)', () => {
  const wanted = documentOf(ERROR_CATALOG);
  if (process.env.DSKD_RENEW === '1') writeFileSync(DOCUMENT, wanted);
  expect(readFileSync(DOCUMENT, 'utf8')).toBe(wanted);
});

test('every code is thrown somewhere, and every code that is thrown is in the catalog', () => {
  const thrown = new Set<string>();
  for (const source of sources()) {
    for (const [, code, other] of source.matchAll(THROWN)) {
      thrown.add(code!);
      if (other !== undefined) thrown.add(other);
    }
  }
  expect([...thrown].sort()).toEqual(CODES);
});

test('meanings and remedies are sentences', () => {
  for (const { meaning, remedy } of Object.values(ERROR_CATALOG)) {
    for (const text of [meaning, remedy]) expect(text).toMatch(/^[A-Z`].{8,}\.$/);
  }
});
