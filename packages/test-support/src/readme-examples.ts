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
 * Runs each ```ts block of a document as a separate program in plain Node. Each must exit with 0 and, if a ```text block
 * follows, print what that block shows. A block with more than `ts` after the fence is left out.
 * @param document path of the Markdown file.
 * @param folder where the programs run. Imports are found from there; the programs are written below it, into `dist`.
 * @returns the number of programs.
 */
export async function runExamples(document: string, folder: string): Promise<number> {
  const examples = examplesOf(await readFile(document, 'utf8'));
  const programs = path.join(folder, 'dist', `examples-of-${path.basename(document, '.md')}`);
  await mkdir(programs, { recursive: true });
  try {
    const sources = examples.map((_, index) => path.join(programs, `${index}.mts`));
    for (const [index, { code }] of examples.entries()) await writeFile(sources[index]!, code);
    if (sources.length > 0) await run(process.execPath, [compiler, ...COMPILER_OPTIONS, ...sources]);
    for (const [index, { prints }] of examples.entries()) {
      const program = path.join(programs, `${index}.mjs`);
      const { stdout } = await run(process.execPath, [program], { cwd: folder });
      if (prints !== undefined) expect(stdout.trim()).toBe(prints.trim());
    }
  } finally {
    await rm(programs, { recursive: true });
  }
  return examples.length;
}

/**
 * Declares a test that runs the examples of the package's README.
 * Call it from `src/readme.slow.test.ts` with `import.meta.url`.
 */
export function describeReadmeExamples(testUrl: string): void {
  const folder = fileURLToPath(new URL('../', testUrl));
  describe('README examples', () => {
    test('run as written', async () => {
      expect(await runExamples(path.join(folder, 'README.md'), folder)).toBeGreaterThan(0);
    });
  });
}
