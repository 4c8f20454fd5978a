import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

const compiler = path.join(
  path.dirname(createRequire(import.meta.url).resolve('@typescript/native/package.json')),
  'bin/tsc',
);
/** Types are removed, not checked: an example has none but for names that its reader may leave out. */
const COMPILER_OPTIONS = [
  '--noCheck',
  '--noResolve',
  '--ignoreConfig',
  '--target',
  'es2022',
  '--module',
  'esnext',
];

interface Example {
  readonly code: string;
  /** Expected output, if a ```text block follows the ```ts block. */
  readonly prints: string | undefined;
}

function examplesOf(markdown: string): Example[] {
  const pattern = /```ts\n([\s\S]*?)```(?:\s*```text\n([\s\S]*?)```)?/g;
  return [...markdown.matchAll(pattern)].map(([, code, prints]) => ({ code: code!, prints }));
}

/**
 * Declares a test that runs each ```ts block of the package's README as a separate program in plain Node. Each must exit
 * with 0 and, if a ```text block follows, print what that block shows.
 * Call it from `src/readme.slow.test.ts` with `import.meta.url`.
 */
export function describeReadmeExamples(testUrl: string): void {
  const packageFolder = new URL('../', testUrl);
  describe('README examples', () => {
    test('run as written', async () => {
      const examples = examplesOf(await readFile(new URL('README.md', packageFolder), 'utf8'));
      expect(examples.length).toBeGreaterThan(0);
      // In the package, so that imports of the package and of its dependencies are found.
      const folder = fileURLToPath(new URL('dist/readme-examples/', packageFolder));
      await mkdir(folder, { recursive: true });
      try {
        const sources = examples.map((_, index) => path.join(folder, `${index}.mts`));
        for (const [index, { code }] of examples.entries()) await writeFile(sources[index]!, code);
        await run(process.execPath, [compiler, ...COMPILER_OPTIONS, ...sources]);
        for (const [index, { prints }] of examples.entries()) {
          const program = path.join(folder, `${index}.mjs`);
          const { stdout } = await run(process.execPath, [program], { cwd: fileURLToPath(packageFolder) });
          if (prints !== undefined) expect(stdout.trim()).toBe(prints.trim());
        }
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  });
}
