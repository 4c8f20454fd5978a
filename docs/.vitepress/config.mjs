import { readFileSync } from 'node:fs';
import path from 'node:path';
import { lineBreaks } from '../site/line-breaks.mjs';
import { linkOf, navigation } from '../site/navigation.mjs';
import { PAGES, ROOT, SITE } from '../site/routes.mjs';

const { version } = JSON.parse(readFileSync(path.join(ROOT, 'packages/dskd/package.json'), 'utf8'));

/** Anchors as GitHub makes them, so that one link works in both places. */
const slugify = (heading) =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Mark}\p{Number}\p{Connector_Punctuation} -]/gu, '')
    .replaceAll(' ', '-');

const sidebar = navigation().map(({ text, collapsed, items }) => ({
  text,
  collapsed: collapsed ?? false,
  items: items.map(({ text, page }) => ({ text, link: linkOf(page) })),
}));

/** A part with a mark on it. */
const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">' +
  '<rect x="2" y="2" width="28" height="28" rx="6" fill="#3451b2"/>' +
  '<circle cx="21" cy="12" r="5" fill="#ff9800"/></svg>';

export default {
  lang: 'en-US',
  title: 'dskd',
  description: 'Image anomaly detection in TypeScript',
  // Without an icon browsers ask for one that is not there.
  head: [['link', { rel: 'icon', href: `data:image/svg+xml,${encodeURIComponent(ICON)}` }]],
  // Where the site is not at the root of its host: DOCS_BASE=/dskd/ npm run docs:build
  base: process.env.DOCS_BASE ?? '/',
  srcDir: path.relative(path.join(ROOT, 'docs'), PAGES),
  outDir: SITE,
  // A link to a page that does not exist fails the build; check-site.mjs checks anchors and files.
  ignoreDeadLinks: false,
  lastUpdated: false,
  // The index of the search is one file.
  vite: { build: { chunkSizeWarningLimit: 4000 } },
  markdown: {
    anchor: { slugify },
    toc: { slugify },
    headers: { slugify },
    lineNumbers: false,
    // Of the themes of GitHub these have a contrast of at least 4.5 on the gray of a block.
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config: lineBreaks,
  },
  themeConfig: {
    siteTitle: `dskd ${version}`,
    nav: [
      { text: 'Quick start', link: '/guides/quick-start' },
      { text: 'Inspector', link: '/inspector/', target: '_self' },
      { text: 'Command line', link: '/command-line/' },
      { text: 'Methods', link: '/packages/methods' },
      { text: 'Benchmarks', link: '/benchmarks/' },
      { text: 'API', link: '/api/' },
      { text: 'FAQ', link: '/faq' },
    ],
    sidebar,
    outline: { level: [2, 3], label: 'On this page' },
    // Built into the site: no service is asked.
    search: {
      provider: 'local',
      options: {
        detailedView: true,
        // Without a language code is not colored, which the index does not need.
        _render: (text, env, markdown) => markdown.render(text.replace(/^```.*$/gm, '```'), env),
        miniSearch: {
          searchOptions: {
            // Guides first: the many headings of the reference would fill the list.
            boostDocument: (id) => (/\/(api|decisions|benchmarks)\//.test(id) ? 0.5 : 1),
          },
        },
      },
    },
    docFooter: { prev: 'Previous', next: 'Next' },
  },
};
