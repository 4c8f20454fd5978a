import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

// By hand: the packages that the test support is built from cannot use it. The example has no types in it,
// so it runs as it stands.
test('the README example prints what the README says', async () => {
  const folder = new URL('../', import.meta.url);
  const readme = await readFile(new URL('README.md', folder), 'utf8');
  const [, code, prints] = /```ts\n([\s\S]*?)```\s*```text\n([\s\S]*?)```/.exec(readme)!;
  const program = fileURLToPath(new URL('dist/readme-example.mjs', folder));
  await writeFile(program, code!);
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [program], { cwd: fileURLToPath(folder) });
    expect(stdout.trim()).toBe(prints!.trim());
  } finally {
    await rm(program);
  }
});
