import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

test('the objective trains a student in a worker, and comes back with the detector', () => {
  const cwd = mkdtempSync(path.join(tmpdir(), 'custom-objective-'));
  try {
    const program = fileURLToPath(new URL('./main.js', import.meta.url));
    const printed = execFileSync(process.execPath, [program, '2'], { cwd, encoding: 'utf8' });
    expect(printed).toMatch(/^local: charbonnier \{"epsilon":0\.2\}, image AUROC \d\.\d\d$/m);
    expect(printed).toMatch(/^global: covarianceAffinity \{\}, image AUROC \d\.\d\d$/m);
    expect(printed).toMatch(/^together: \d\.\d\d$/m);
  } finally {
    rmSync(cwd, { recursive: true });
  }
});
