import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// @dskd/test-support is built on this package, so its README runner cannot be used here.
test('the README example runs as written', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, code] = /```ts\n([\s\S]*?)```/.exec(readme)!;
  const program = fileURLToPath(new URL('readme-example.mjs', import.meta.url));
  writeFileSync(program, code!);
  try {
    const printed = execFileSync(process.execPath, [program], { encoding: 'utf8' });
    expect(printed).toMatch(
      /^[0-4]( [0-4]){4}\nGot sigma -1, wanted 0 or more\. Leave it out for the default\.\n$/,
    );
  } finally {
    rmSync(program);
  }
});
