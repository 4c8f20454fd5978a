import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

test('the programs run as written: every image is judged, the detector lies in its file', () => {
  const cwd = mkdtempSync(path.join(tmpdir(), 'node-quickstart-'));
  try {
    const run = (program: string, ...args: string[]): string =>
      execFileSync(process.execPath, [fileURLToPath(new URL(program, import.meta.url)), ...args], {
        cwd,
        encoding: 'utf8',
      });
    run('./make-images.js');
    const printed = run('./main.js', 'out/tray/train/good', 'out/tray/test');
    const lines = printed.match(/^out\/tray\/test\/.+\.png: (normal|anomalous), p [01]\.\d{3}$/gm);
    expect(lines).toHaveLength(9);
    expect(existsSync(path.join(cwd, 'out/detector.safetensors'))).toBe(true);
  } finally {
    rmSync(cwd, { recursive: true });
  }
});
