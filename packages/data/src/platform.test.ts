import { readFile } from 'node:fs/promises';

/** Module specifiers in imports and exports of a built file and of the files it imports relatively. */
async function reached(entry: URL, seen = new Map<string, string[]>()): Promise<Map<string, string[]>> {
  if (seen.has(entry.href)) return seen;
  const code = await readFile(entry, 'utf8');
  const specifiers = [...code.matchAll(/(?:from|import)\s*\(?'([^']+)'/g)].map((match) => match[1]!);
  seen.set(entry.href, specifiers);
  for (const specifier of specifiers) {
    if (!specifier.startsWith('.')) continue;
    const file = entry.pathname.endsWith('.d.ts') ? specifier.replace(/\.js$/, '.d.ts') : specifier;
    await reached(new URL(file, entry), seen);
  }
  return seen;
}

const packagesOf = async (entry: string): Promise<string[]> => {
  const all = [...(await reached(new URL(entry, import.meta.url))).values()].flat();
  return [...new Set(all.filter((specifier) => !specifier.startsWith('.')))].sort();
};

test('the shared entry imports neither Node modules nor codecs', async () => {
  expect(await packagesOf('index.js')).toEqual(['@dskd/base', '@dskd/core', '@tensorflow/tfjs-core']);
});

test('the Node entry does not need TensorFlow.js', async () => {
  const packages = await packagesOf('node.js');
  expect(packages.filter((name) => !name.startsWith('node:'))).toEqual([
    '@dskd/base',
    'csv-parse/sync',
    'sharp',
  ]);
});

test('the types of the Node entry do not need sharp', async () => {
  expect((await packagesOf('node.d.ts')).filter((name) => name === 'sharp')).toEqual([]);
});

test('the web entry imports neither Node modules, codecs nor TensorFlow.js', async () => {
  expect(await packagesOf('web.js')).toEqual(['@dskd/base']);
});

test('the types of the shared entry refer to no browser types', async () => {
  const files = [...(await reached(new URL('index.d.ts', import.meta.url))).keys()];
  expect(files.length).toBeGreaterThan(5);
  for (const file of files) {
    const code = (await readFile(new URL(file), 'utf8')).replace(/\/\*[\s\S]*?\*\//g, '');
    expect([
      file,
      /\b(Blob|File|ImageBitmap\w*|ImageData|HTML\w+|OffscreenCanvas)\b/.exec(code)?.[0],
    ]).toEqual([file, undefined]);
  }
});
