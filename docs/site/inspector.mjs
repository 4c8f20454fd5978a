// The page of apps/inspector as a part of the site: /inspector/.
import { execFileSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ROOT, SITE } from './routes.mjs';

const APP = path.join(ROOT, 'apps/inspector');

/** Builds the page and copies it into the site. */
export function copyInspector() {
  const vite = createRequire(path.join(APP, 'package.json')).resolve('vite/package.json');
  execFileSync(process.execPath, [path.join(vite, '../bin/vite.js'), 'build', '--logLevel', 'error'], {
    cwd: APP,
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  cpSync(path.join(APP, 'dist/page'), path.join(SITE, 'inspector'), { recursive: true });
}
