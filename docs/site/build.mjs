// node docs/site/build.mjs: builds the site into docs/build/site. Needs the packages to be built (`npm run types`).
// Fails where a link or an anchor does not exist.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { build } from 'vitepress';
import { writeApiReference } from './api.mjs';
import { assemble } from './assemble.mjs';
import { checkSite } from './check-site.mjs';
import { copyInspector } from './inspector.mjs';
import { writeLlmsTxt } from './llms-txt.mjs';
import { ROOT, SITE } from './routes.mjs';

const started = performance.now();
const say = (text) => console.log(`${((performance.now() - started) / 1000).toFixed(1)} s: ${text}`);

const pages = assemble();
say(`${pages.length} pages assembled`);
const entries = await writeApiReference();
say(`API reference of ${entries.length} entry points`);
rmSync(SITE, { recursive: true, force: true });
await build(path.join(ROOT, 'docs'));
say('site built');
copyInspector();
say('inspector built and copied');
writeLlmsTxt();
const { problems, links } = checkSite();
for (const problem of problems) console.error(problem);
say(`${links} links checked, ${problems.length} broken`);
process.exitCode = problems.length > 0 ? 1 : 0;
