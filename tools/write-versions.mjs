// Writes the version of each package.json where the package says it in its sources: `export const VERSION = '...'`.
// `npm run version-packages` calls it after changesets has raised the versions.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const packages = path.resolve(import.meta.dirname, '../packages');

for (const name of readdirSync(packages)) {
  const folder = path.join(packages, name);
  const { version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  for (const file of readdirSync(path.join(folder, 'src'))) {
    if (!file.endsWith('.ts')) continue;
    const source = readFileSync(path.join(folder, 'src', file), 'utf8');
    const written = source.replace(/^export const VERSION = '.*';$/m, `export const VERSION = '${version}';`);
    if (written !== source) writeFileSync(path.join(folder, 'src', file), written);
  }
}
