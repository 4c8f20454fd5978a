import { readdir, readFile } from 'node:fs/promises';

/** Module specifiers of the external packages that a built entry reaches through relative imports. */
async function packagesOf(entry: string): Promise<string[]> {
  const seen = new Map<string, string[]>();
  const visit = async (file: URL): Promise<void> => {
    if (seen.has(file.href)) return;
    const code = await readFile(file, 'utf8');
    const specifiers = [...code.matchAll(/(?:from|import)\s*\(?'([^']+)'/g)].map((match) => match[1]!);
    seen.set(file.href, specifiers);
    for (const specifier of specifiers) {
      if (!specifier.startsWith('.')) continue;
      await visit(new URL(entry.endsWith('.d.ts') ? specifier.replace(/\.js$/, '.d.ts') : specifier, file));
    }
  };
  await visit(new URL(entry, import.meta.url));
  return [...new Set([...seen.values()].flat().filter((specifier) => !specifier.startsWith('.')))].sort();
}

test('the shared entry imports only @dskd/base', async () => {
  expect(await packagesOf('index.js')).toEqual(['@dskd/base']);
});

test('the Node entry also imports Node modules and sharp; its types do not need sharp', async () => {
  const others = async (entry: string): Promise<string[]> =>
    (await packagesOf(entry)).filter((name) => !name.startsWith('node:'));
  expect(await others('node.js')).toEqual(['@dskd/base', 'sharp']);
  expect(await others('node.d.ts')).toEqual(['@dskd/base']);
});

test('scenes use only + - * / and square roots, which give the same bits on every engine', async () => {
  const root = new URL('.', import.meta.url);
  // Procedural images are reproducible on the same engine only, so they are excluded.
  const files = (await readdir(root, { recursive: true })).filter(
    (name) => /(?<!\.test)\.js$/.test(name) && !name.startsWith('procedural'),
  );
  expect(files.length).toBeGreaterThan(20);
  const exact = ['abs', 'ceil', 'floor', 'imul', 'max', 'min', 'sqrt'];
  for (const name of files) {
    const code = (await readFile(new URL(name, root), 'utf8')).replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
    const used = [...code.matchAll(/Math\.(\w+)|\{([\w\s,]+)\} = Math;/g)].flatMap((match) =>
      (match[1] ?? match[2]!).split(',').map((each) => each.trim()),
    );
    const inexact = used.filter((each) => !exact.includes(each));
    expect([name, inexact, /[^*]\*\*[^*]/.test(code), /\.normal\(/.test(code)]).toEqual([
      name,
      [],
      false,
      false,
    ]);
  }
});
