import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

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
 * Call it from `src/readme.test.ts` with `import.meta.url`.
 */
export function describeReadmeExamples(testUrl: string): void {
  const packageFolder = new URL('../', testUrl);
  describe('README examples', () => {
    test('run as written', async () => {
      // Not at the top: every test file imports this package, and the compiler takes most of a second to load.
      const { default: ts } = await import('typescript');
      const examples = examplesOf(await readFile(new URL('README.md', packageFolder), 'utf8'));
      expect(examples.length).toBeGreaterThan(0);
      for (const [index, { code, prints }] of examples.entries()) {
        const { outputText } = ts.transpileModule(code, {
          compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
        });
        // In the package, so that imports of the package and of its dependencies are found.
        const program = fileURLToPath(new URL(`dist/readme-example-${index}.mjs`, packageFolder));
        await writeFile(program, outputText);
        try {
          const { stdout } = await run(process.execPath, [program], { cwd: fileURLToPath(packageFolder) });
          if (prints !== undefined) expect(stdout.trim()).toBe(prints.trim());
        } finally {
          await rm(program);
        }
      }
    });
  });
}
