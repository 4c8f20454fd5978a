import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromiumMissing, runInChromium } from '@dskd/test-support';
import { teacherTiny } from './node.js';

if (chromiumMissing) console.log(`SKIPPED the embedded teacher in Chromium: ${chromiumMissing}`);

/** Loads the teacher as a page does and computes its hash. */
const SCRIPT = `
  import { teacherTiny } from '@dskd/teacher-tiny';
  const teacher = teacherTiny();
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await teacher.load()));
  const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  await finish({ name: teacher.name, claimed: teacher.sha256, sha256 });`;

(chromiumMissing ? test.skip : test)(
  'in Chromium it is the same file, loaded from modules only',
  async () => {
    await promisify(execFile)(process.execPath, [fileURLToPath(new URL('../embed.mjs', import.meta.url))]);
    const { name, sha256 } = teacherTiny();
    const { value, modules } = await runInChromium(SCRIPT, {
      imports: {
        '@dskd/base': 'base/dist/index.js',
        '@dskd/teacher-tiny': 'teacher-tiny/dist/browser.js',
      },
    });
    expect(value).toEqual({ name, claimed: sha256, sha256 });
    expect(modules.filter((module) => !module.startsWith('base/')).sort()).toEqual(
      ['browser', 'sha256', 'weights-base64'].map((module) => `teacher-tiny/dist/${module}.js`),
    );
  },
);
