// llms.txt (https://llmstxt.org): the pages of the site with their titles, as Markdown, which lies beside each page.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { navigation } from './navigation.mjs';
import { PAGES, ROOT, SITE } from './routes.mjs';

/** Copies the Markdown of each page, with its images, into the site and writes llms.txt. */
export function writeLlmsTxt() {
  cpSync(PAGES, SITE, { recursive: true });
  const { description } = JSON.parse(readFileSync(path.join(ROOT, 'packages/dskd/package.json'), 'utf8'));
  const sections = navigation().map(
    ({ text, items }) =>
      `## ${text}\n\n${items.map((item) => `- [${item.text}](${item.page})`).join('\n')}\n`,
  );
  writeFileSync(path.join(SITE, 'llms.txt'), `# dskd\n\n> ${description}\n\n${sections.join('\n')}`);
}
