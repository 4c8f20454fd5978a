// Which compiled files of a folder import which.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** `from './x.js'`, `import './x.js'`, `import('./x.js')`, and `new URL('./x.js', import.meta.url)` of worker threads. */
const REFERENCE = /(?:\bfrom|\bimport|\bURL)\s*\(?\s*['"](\.[^'"]+\.js)['"]/g;

/** The files that the text of a file imports, relative to the same folder as `file`. */
export function importsOf(file, text) {
  return [...text.matchAll(REFERENCE)].map(([, to]) => path.join(path.dirname(file), to));
}

/** A map from each `.js` file below `folder` to the files that it imports; all paths are relative to `folder`. */
export function importGraph(folder) {
  if (!existsSync(folder)) return new Map();
  const files = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.js'));
  return new Map(files.map((file) => [file, importsOf(file, readFileSync(path.join(folder, file), 'utf8'))]));
}
