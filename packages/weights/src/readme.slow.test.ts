import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const folder = new URL('../', import.meta.url);
const readme = await readFile(new URL('README.md', folder), 'utf8');
const examples = [...readme.matchAll(/```ts\n([\s\S]*?)```\s*```text\n([\s\S]*?)```/g)];

test('every example in the README has its output', () => {
  expect(examples.length).toBeGreaterThan(1);
  expect(readme.match(/```ts\n/g)).toHaveLength(examples.length);
});

// `describeReadmeExamples` cannot be used here, because test-support depends on this package. The examples contain no
// types, so they run without compilation.
test.each(examples.map(([, code, prints]) => ({ code: code!, prints: prints! })))(
  'README example %# prints what the README says',
  async ({ code, prints }) => {
    const program = fileURLToPath(new URL('dist/readme-example.mjs', folder));
    await writeFile(program, code);
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [program], {
        cwd: fileURLToPath(folder),
      });
      expect(stdout.trim()).toBe(prints.trim());
    } finally {
      await rm(program);
    }
  },
);
