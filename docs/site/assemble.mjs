// Copies the pages of the site into PAGES and rewrites their links: to the page that a file becomes, to a copy of an image,
// or to the repository where a file is no page.
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PAGES, ROOT, routes } from './routes.mjs';

/** Stands for code that is put aside: a character of the private use area, which no document has. */
const ASIDE = '\uE000';
const IMAGE = /\.(png|jpe?g|svg|webp)$/;

/** Address of the files of the repository in a browser; undefined where package.json names no repository. */
function repositoryUrl() {
  const { repository } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  const url = typeof repository === 'string' ? repository : repository?.url;
  return url?.replace(/^git\+/, '').replace(/\.git$/, '');
}

const isRelative = (target) => target !== '' && !/^([a-z][a-z+.-]*:|#|\/)/i.test(target);

/**
 * The text of a page with links for the site.
 * @param text Markdown.
 * @param file path of the file, relative to the root of the repository.
 * @param page path of the page, relative to PAGES.
 * @param pages path of the page by path of the file.
 * @param onImage called with the path of each image.
 */
export function rewriteLinks(text, { file, page, pages, repository, onImage }) {
  const relativeToPage = (target) => {
    const relative = path.posix.relative(path.posix.dirname(page), target);
    return relative.startsWith('.') ? relative : `./${relative}`;
  };
  /** The new target of a link; undefined if the site has none. */
  const targetOf = (link) => {
    if (!isRelative(link)) return link;
    const [pathname, anchor] = link.split('#');
    const target = path.posix.join(path.posix.dirname(file), decodeURI(pathname)).replace(/\/$/, '');
    const absolute = path.join(ROOT, target);
    if (!existsSync(absolute)) throw new Error(`${file}: there is no ${target}`);
    const isFolder = statSync(absolute).isDirectory();
    const linked = pages.get(isFolder ? `${target}/README.md` : target);
    if (linked) return relativeToPage(linked) + (anchor ? `#${anchor}` : '');
    if (IMAGE.test(target)) {
      onImage(target);
      return relativeToPage(`files/${target}`);
    }
    return repository && `${repository}/${isFolder ? 'tree' : 'blob'}/main/${target}`;
  };
  const linked = (whole, before, label, target) => {
    const changed = targetOf(target);
    return changed === undefined ? label : `${before}[${label}](${changed})`;
  };
  const attribute = (whole, name, target) => {
    const changed = targetOf(target);
    return changed === undefined ? '' : `${name}="${changed}"`;
  };
  // A label may hold inline code, so links are matched in the whole text, and code is put aside before that.
  const aside = [];
  const marked = text.replace(
    /^```[\s\S]*?^```[ \t]*$|`[^`\n]+`/gm,
    (code) => `${ASIDE}${aside.push(code) - 1}${ASIDE}`,
  );
  return marked
    .replace(/(!?)\[((?:[^[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)/g, (whole, before, label, target) => {
      // An image inside the label of a link has a target of its own.
      const inner = label.replace(/!\[([^\]]*)\]\(([^)\s]+)\)/g, (image, alt, source) =>
        linked(image, '!', alt, source),
      );
      return linked(whole, before, inner, target);
    })
    .replace(/\b(src|href)="([^"]+)"/g, attribute)
    .replace(new RegExp(`${ASIDE}(\\d+)${ASIDE}`, 'g'), (whole, index) => aside[Number(index)]);
}

/** Writes all pages but the API reference. */
export function assemble() {
  rmSync(PAGES, { recursive: true, force: true });
  const list = routes();
  const pages = new Map(list.map(({ file, page }) => [file, page]));
  const repository = repositoryUrl();
  const images = new Set();
  for (const { file, page } of list) {
    const text = readFileSync(path.join(ROOT, file), 'utf8');
    const target = path.join(PAGES, page);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(
      target,
      rewriteLinks(text, { file, page, pages, repository, onImage: (image) => images.add(image) }),
    );
  }
  for (const image of images) {
    const target = path.join(PAGES, 'files', image);
    mkdirSync(path.dirname(target), { recursive: true });
    copyFileSync(path.join(ROOT, image), target);
  }
  return list;
}
