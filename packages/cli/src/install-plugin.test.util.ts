import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Writes a package of one module to the node_modules of the folder. */
export async function installPlugin(
  folder: string,
  name: string,
  code: string,
  exports: unknown = './index.js',
): Promise<void> {
  const root = path.join(folder, 'node_modules', name);
  await mkdir(root, { recursive: true });
  const description = { name, version: '1.0.0', type: 'module', exports };
  await writeFile(path.join(root, 'package.json'), JSON.stringify(description));
  await writeFile(path.join(root, 'index.js'), code);
  await writeFile(path.join(root, 'index.cjs'), code.replace(' here', ' here, required'));
}
