// Which file of the repository becomes which page of the site. Pages that are written for the site are in docs/; all
// others (READMEs, benchmark tables) stay where they are and are copied by assemble.mjs.
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** Root of the repository. */
export const ROOT = path.resolve(import.meta.dirname, '../..');
/** Folder of everything that is generated; not in git. */
export const BUILD = path.join(ROOT, 'docs/build');
/** Markdown files that VitePress reads. */
export const PAGES = path.join(BUILD, 'pages');
/** The site: static files. */
export const SITE = path.join(BUILD, 'site');

/** Files in the root that are pages, and the page that each becomes. */
const ROOT_PAGES = {
  'README.md': 'index.md',
  'CONTRIBUTING.md': 'contributing.md',
  'AGENTS.md': 'agents.md',
  'SECURITY.md': 'security.md',
  'CODE_OF_CONDUCT.md': 'code-of-conduct.md',
};

const names = (folder) =>
  readdirSync(path.join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith('.') && !['node_modules', 'build', 'dist'].includes(entry.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1));

/** Markdown files of a folder and the folders in it, relative to the root of the repository. */
function markdownIn(folder) {
  return names(folder).flatMap((entry) => {
    const file = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return markdownIn(file);
    return file.endsWith('.md') ? [file] : [];
  });
}

const foldersIn = (folder) =>
  names(folder)
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);

/** A README is the index of its folder; packages/ has none, since scripts read each entry of it as a package. */
const pageOf = (file) =>
  file === 'packages.md' ? 'packages/index.md' : file.replace(/(^|\/)README\.md$/, '$1index.md');

/**
 * All pages that are copied: `file` relative to the root of the repository, `page` relative to PAGES. Pages of the API
 * reference are not among them (api.mjs writes those).
 */
export function routes() {
  const copied = [
    ...Object.entries(ROOT_PAGES),
    ...markdownIn('docs').map((file) => [file, pageOf(file.slice('docs/'.length))]),
    ...foldersIn('packages').map((name) => [`packages/${name}/README.md`, `packages/${name}.md`]),
    ['packages/teacher-tiny/CARD.md', 'packages/teacher-tiny-card.md'],
    ...names('bench')
      .filter(({ name }) => name.endsWith('.md'))
      .map(({ name }) => [`bench/${name}`, `benchmarks/${pageOf(name)}`]),
    ['apps/inspector/README.md', 'inspector-source.md'],
    ['examples/README.md', 'examples/index.md'],
    ...foldersIn('examples').map((name) => [`examples/${name}/README.md`, `examples/${name}.md`]),
  ];
  return copied.filter(([file]) => existsSync(path.join(ROOT, file))).map(([file, page]) => ({ file, page }));
}
