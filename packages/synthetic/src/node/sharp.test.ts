import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { sameBytes } from '../pixels.test.util.js';
import { previewPixels, previewSheet } from './preview-sheet.js';

const packages = fileURLToPath(new URL('../../../', import.meta.url));

test('the sheet is a PNG of the preview', async () => {
  const png = await previewSheet({ category: 'harness', size: 128 });
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  const { width, height, data: pixels } = previewPixels({ category: 'harness', size: 128 });
  expect([info.width, info.height, info.channels]).toEqual([width, height, 3]);
  expect(sameBytes(data, pixels)).toBe(true);
});

test('the sheet can be encoded by another encoder', async () => {
  const encoded = await previewSheet({ category: 'harness', size: 128 }, ({ width }) =>
    Promise.resolve(Uint8Array.of(width % 256)),
  );
  expect(encoded).toEqual(Uint8Array.of((2 * (3 * 128 + 24)) % 256));
});

test("without sharp, an error says what to install, and the caller's encoder works", async () => {
  const root = await mkdtemp(path.join(tmpdir(), 'dskd-synthetic-'));
  try {
    for (const name of ['base', 'synthetic']) {
      const target = path.join(root, 'node_modules/@dskd', name);
      await mkdir(target, { recursive: true });
      await cp(path.join(packages, name, 'package.json'), path.join(target, 'package.json'));
      await cp(path.join(packages, name, 'dist'), path.join(target, 'dist'), { recursive: true });
    }
    await writeFile(
      path.join(root, 'program.mjs'),
      `import { writeDataset } from '@dskd/synthetic/node';
       const options = { category: 'tray', size: 128, seed: 1, train: 1, validation: 0, test: 0 };
       await writeDataset('data', options).catch(({ code, hint }) => console.log(code, hint));
       const { folder } = await writeDataset('data', { ...options, encode: async () => new Uint8Array(1) });
       console.log(folder);`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, ['program.mjs'], { cwd: root });
    expect(stdout).toBe(
      `dependency-missing npm install sharp, or give an encoder of your own.\n${path.join('data', 'tray')}\n`,
    );
    expect(await readdir(path.join(root, 'data'))).toEqual(['tray']);
  } finally {
    await rm(root, { recursive: true });
  }
});
