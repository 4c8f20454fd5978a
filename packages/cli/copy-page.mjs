// Copies the built page of apps/inspector beside the compiled code, where `dskd studio` serves it from. Part of
// `npm run build`, which builds the page before; where it is not built, there is nothing to copy.
import { cpSync, existsSync, rmSync } from 'node:fs';
import path from 'node:path';

const page = path.join(import.meta.dirname, '../../apps/inspector/dist/page');
const target = path.join(import.meta.dirname, 'dist/page');
if (existsSync(page)) {
  rmSync(target, { recursive: true, force: true });
  cpSync(page, target, { recursive: true });
}
