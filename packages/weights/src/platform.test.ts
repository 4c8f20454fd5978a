import { readFile } from 'node:fs/promises';

/** Returns the specifiers of all imports in a built file and in the files that it imports, by URL of the file. */
async function reached(entry: URL, seen = new Map<string, string[]>()): Promise<Map<string, string[]>> {
  if (seen.has(entry.href)) return seen;
  const code = await readFile(entry, 'utf8');
  const specifiers = [...code.matchAll(/(?:from|import)\s*\(?'([^']+)'/g)].map((match) => match[1]!);
  seen.set(entry.href, specifiers);
  for (const specifier of specifiers) {
    if (specifier.startsWith('.')) await reached(new URL(specifier, entry), seen);
  }
  return seen;
}

test('the main entry point imports no modules of Node', async () => {
  const files = await reached(new URL('index.js', import.meta.url));
  expect([...files.keys()].filter((file) => file.endsWith('/registry/index.js'))).toHaveLength(1);
  const packages = new Set([...files.values()].flat().filter((specifier) => !specifier.startsWith('.')));
  expect([...packages].sort()).toEqual(['@dskd/base', 'fflate']);
});
