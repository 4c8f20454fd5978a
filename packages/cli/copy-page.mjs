// Copies the built page of apps/inspector beside the compiled code, where `dskd studio` serves it from. Part of
// `npm run build`, which builds the page before.
import { cpSync, existsSync, rmSync } from 'node:fs';
import path from 'node:path';

const page = path.join(import.meta.dirname, '../../apps/inspector/dist/page');
const target = path.join(import.meta.dirname, 'dist/page');
if (!existsSync(path.join(page, 'index.html'))) {
  throw new Error(`There is no ${page}; run npm run build in the root, which builds the page first.`);
}
rmSync(target, { recursive: true, force: true });
cpSync(page, target, { recursive: true });
