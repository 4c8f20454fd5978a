import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(path.join(tmpdir(), 'custom-method-'));
});
afterAll(() => rmSync(cwd, { recursive: true }));

const run = (...args: string[]): string => execFileSync(process.execPath, args, { cwd, encoding: 'utf8' });

test('the method is written down in fewer than 60 lines', () => {
  const source = readFileSync(new URL('../src/pixel-mean.ts', import.meta.url), 'utf8');
  expect(source.trimEnd().split('\n').length).toBeLessThan(60);
});

test('by its name from the API, and from the command line with --plugin', () => {
  const printed = run(fileURLToPath(new URL('./main.js', import.meta.url)));
  expect(printed).toMatch(/^pixel-mean: (normal|anomalous), score -?\d+\.\d\d$/m);
  expect(printed).toMatch(/^image AUROC [01]\.\d\d$/m);

  const dskd = createRequire(import.meta.url)
    .resolve('dskd/package.json')
    .replace('package.json', 'bin/dskd.js');
  const plugin = ['--plugin', fileURLToPath(new URL('./pixel-mean.js', import.meta.url))];
  const model = path.join(cwd, 'by-command.safetensors');
  run(
    dskd,
    'train',
    ...plugin,
    '--method',
    'pixel-mean',
    '--data',
    'out/tray',
    '--size',
    '64',
    '--out',
    model,
  );
  const line = run(dskd, 'predict', ...plugin, model, 'out/tray/test/good/000.png');
  expect((JSON.parse(line) as { readonly verdict: string }).verdict).toMatch(/^(normal|anomalous)$/);
});
