import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeImage } from '@dskd/data/node';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));

/** The first program of a README. */
function firstProgram(file: string): string {
  return /```[jt]s\n([\s\S]*?)```/.exec(readFileSync(file, 'utf8'))![1]!;
}

test("the README's first program works as it stands, with nothing before it", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'dskd-first-'));
  try {
    mkdirSync(path.join(folder, 'good-parts'));
    mkdirSync(path.join(folder, 'node_modules'));
    symlinkSync(PACKAGE, path.join(folder, 'node_modules/dskd'));
    for (let index = 0; index < 4; index++) {
      const data = new Uint8Array(64 * 64).map((_, i) => (i * 37 + index * 101) % 251);
      const png = await encodeImage({ data, width: 64, height: 64, channels: 1 });
      writeFileSync(path.join(folder, index === 3 ? 'new.png' : `good-parts/${index}.png`), png);
    }
    const program = `${firstProgram(path.join(PACKAGE, 'README.md'))}\nconsole.log(verdict, score > -1e9, Array.isArray(regions));`;
    writeFileSync(path.join(folder, 'program.mjs'), program);
    const printed = execFileSync(process.execPath, ['program.mjs'], { cwd: folder, encoding: 'utf8' });
    expect(printed).toMatch(/^(normal|anomalous) true true$/m);
    expect(statSync(path.join(folder, 'model.safetensors')).size).toBeGreaterThan(1e6);
    const withoutBlankLines = (code: string): string => code.replaceAll(/\n+/g, '\n');
    const root = withoutBlankLines(firstProgram(path.join(PACKAGE, '../../README.md')));
    expect(root).toBe(withoutBlankLines(firstProgram(path.join(PACKAGE, 'README.md'))));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
