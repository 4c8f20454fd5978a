import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

test('students learn in workers, and a worker scores as the thread that trained', () => {
  const cwd = mkdtempSync(path.join(tmpdir(), 'custom-backbone-'));
  try {
    const program = fileURLToPath(new URL('./main.js', import.meta.url));
    const printed = execFileSync(process.execPath, [program, '1'], { cwd, encoding: 'utf8' });
    expect(printed).toContain('levels: block1 at stride 4, block2 at stride 8, block3 at stride 16');
    const line = /^test\/.+\.png: (normal|anomalous), -?\d+\.\d\d, the same in both threads: true$/gm;
    expect(printed.match(line)).toHaveLength(4);
  } finally {
    rmSync(cwd, { recursive: true });
  }
});
