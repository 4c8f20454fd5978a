// Checks the built site: every link, image and anchor inside it exists, and no page loads anything from elsewhere.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { SITE } from './routes.mjs';

const decode = (text) =>
  text.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<');

const attributes = (html, pattern) => [...html.matchAll(pattern)].map(([, value]) => decode(value));

/** What a page asks the browser for by itself. */
const LOADED =
  /<(?:script|img|iframe|source|link(?=[^>]*rel="(?:stylesheet|preload|modulepreload|icon)"))[^>]*?\b(?:src|href)="([^"]*)"/g;

/** @returns `problems`, one text each, and the number of `links` that were followed. */
export function checkSite(base = process.env.DOCS_BASE ?? '/') {
  const files = readdirSync(SITE, { recursive: true }).map(String);
  const pages = new Map(
    files
      .filter((file) => file.endsWith('.html'))
      .map((file) => {
        const html = readFileSync(path.join(SITE, file), 'utf8');
        return [file, { html, ids: new Set(attributes(html, /\bid="([^"]+)"/g)) }];
      }),
  );
  const problems = [];
  let links = 0;
  for (const [file, { html }] of pages) {
    for (const source of attributes(html, LOADED)) {
      if (/^(https?:)?\/\//.test(source)) problems.push(`${file} loads ${source}`);
    }
    for (const link of attributes(html, /\b(?:href|src)="([^"]*)"/g)) {
      if (/^([a-z][a-z+.-]*:|\/\/)/i.test(link)) continue;
      links++;
      const [pathname, anchor] = link.split('#');
      const fromRoot = pathname.startsWith('/')
        ? pathname.slice(base.length)
        : path.posix.join(path.posix.dirname(file), decodeURI(pathname));
      let target = pathname === '' ? file : decodeURI(fromRoot);
      if (target === '' || target === '.' || target.endsWith('/'))
        target = path.posix.join(target, 'index.html');
      if (!existsSync(path.join(SITE, target))) problems.push(`${file}: there is no ${link}`);
      else if (anchor && pages.has(target) && !pages.get(target).ids.has(decodeURIComponent(anchor)))
        problems.push(`${file}: there is no heading ${link}`);
    }
  }
  return { problems: [...new Set(problems)], links };
}
