// The sidebar of the site, in groups of pages. The pages of a group that names a folder are found in it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { PAGES } from './routes.mjs';

const GROUPS = [
  { text: 'Start', pages: ['index.md', 'guides/quick-start.md', 'faq.md'] },
  {
    text: 'Guides',
    pages: [
      'guides/inspector.md',
      'guides/operator.md',
      'guides/server.md',
      'guides/many-machines.md',
      'guides/live.md',
      'guides/node-application.md',
      'guides/browser-page.md',
      'guides/one-package.md',
      'guides/researcher.md',
    ],
  },
  {
    text: 'How it works',
    pages: ['method.md', 'equations.md', 'glossary.md', 'architecture.md', 'not-known.md'],
  },
  {
    text: 'Command line',
    folder: 'command-line',
    first: ['index.md', 'train.md', 'evaluate.md', 'use.md', 'data-and-weights.md', 'output.md'],
  },
  {
    text: 'Reference',
    pages: [
      'packages/methods.md',
      'layouts.md',
      'data/image-formats.md',
      'data/datasets.md',
      'data/preparation.md',
      'errors.md',
    ],
  },
  { text: 'Benchmarks', folder: 'benchmarks', first: ['index.md', 'real.md', 'methods.md'], collapsed: true },
  {
    text: 'Packages',
    folder: 'packages',
    first: ['index.md', 'dskd.md', 'cli.md', 'detector.md'],
    collapsed: true,
  },
  { text: 'API reference', folder: 'api', first: ['index.md', 'dskd.md', 'detector.md'], collapsed: true },
  { text: 'Examples', folder: 'examples', first: ['index.md'], collapsed: true },
  {
    text: 'Project',
    pages: ['contributing.md', 'agents.md', 'security.md', 'code-of-conduct.md'],
    collapsed: true,
  },
  { text: 'Decisions', folder: 'decisions', first: ['index.md'], collapsed: true },
];

/** Names in the sidebar of pages whose heading says too little there. */
const NAMES = {
  'index.md': 'Overview',
  'packages/methods.md': 'Methods and their cards',
};

/** The first heading of a page, without marks. */
export function titleOf(page) {
  const heading = /^# (.*)$/m.exec(readFileSync(path.join(PAGES, page), 'utf8'));
  if (!heading) throw new Error(`${page} has no heading of the first level.`);
  return heading[1].replace(/[`*_\\]/g, '');
}

function pagesIn({ folder, first }) {
  const absolute = path.join(PAGES, folder);
  if (!existsSync(absolute)) return [];
  const files = readdirSync(absolute).filter((name) => name.endsWith('.md'));
  const rest = files.filter((name) => !first.includes(name)).sort((a, b) => (a < b ? -1 : 1));
  return [...first.filter((name) => files.includes(name)), ...rest].map((name) => `${folder}/${name}`);
}

/** Groups of `{ text, collapsed, items: { text, page }[] }`. Pages that do not exist are left out. */
export function navigation() {
  return GROUPS.map((group) => ({
    text: group.text,
    collapsed: group.collapsed,
    items: (group.folder ? pagesIn(group) : group.pages)
      .filter((page) => existsSync(path.join(PAGES, page)))
      .map((page) => ({ text: group.folder ? titleOf(page) : (NAMES[page] ?? titleOf(page)), page })),
  })).filter(({ items }) => items.length > 0);
}

/** Address of a page on the site, from its root. */
export const linkOf = (page) => `/${page.replace(/(^|\/)index\.md$/, '$1').replace(/\.md$/, '')}`;
