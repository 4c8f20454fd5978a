import { execFile } from 'node:child_process';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryFolder } from './fabricate.test.util.js';

const packages = fileURLToPath(new URL('../../../', import.meta.url));

test('without sharp, every function that needs it says what to install', async () => {
  const folder = await temporaryFolder();
  try {
    // A project with this package and its dependencies only.
    const modules = path.join(folder.root, 'node_modules');
    await cp(path.join(packages, '../node_modules/csv-parse'), path.join(modules, 'csv-parse'), {
      recursive: true,
    });
    for (const name of ['base', 'data']) {
      const target = path.join(modules, '@dskd', name);
      await mkdir(target, { recursive: true });
      await cp(path.join(packages, name, 'package.json'), path.join(target, 'package.json'));
      await cp(path.join(packages, name, 'dist'), path.join(target, 'dist'), { recursive: true });
    }
    await folder.write({ 'images/a.png': 'x' });
    await writeFile(
      path.join(folder.root, 'program.mjs'),
      `import { decodeImage, encodeImage, openSource } from '@dskd/data/node';
       const pixels = { data: new Uint8Array(3), width: 1, height: 1, channels: 3 };
       for (const work of [
         () => decodeImage('images/a.png'),
         () => encodeImage(pixels),
         () => openSource({ root: 'images' }),
       ]) {
         await work().catch(({ code, hint }) => console.log(code, hint));
       }`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, ['program.mjs'], { cwd: folder.root });
    expect(stdout.trim().split('\n')).toEqual(Array(3).fill('dependency-missing npm install sharp'));
  } finally {
    await folder.remove();
  }
});
