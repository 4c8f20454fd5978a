import { Html, markup } from './html.js';
import { STYLES, STYLES_SHA256 } from './styles.js';

/** One part of the page, reached from the list of contents. */
export interface Section {
  /** Unique on the page. */
  readonly id: string;
  readonly title: string;
  readonly content: Html;
}

/**
 * Nothing is loaded, nothing runs, and the one style sheet is known by its hash: what a hostile name might
 * smuggle in would be dead.
 */
const POLICY = `default-src 'none'; img-src data:; style-src 'sha256-${STYLES_SHA256}'; base-uri 'none'; form-action 'none'`;

export interface PageOptions {
  readonly title: string;
  /** Under the title. */
  readonly subtitle?: Html;
  readonly sections: readonly Section[];
}

/** A whole document. */
export function page({ title, subtitle, sections }: PageOptions): string {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="dskd">
<title>${title}</title>
<style>${new Html(STYLES)}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header>
<h1><bdi>${title}</bdi></h1>
${subtitle}
</header>
<nav aria-label="Contents">
<ul>${sections.map((section) => markup`<li><a href="#${section.id}">${section.title}</a></li>`)}</ul>
</nav>
<main id="content" tabindex="-1">
${sections.map(
  ({ id, title: heading, content }) => markup`<section id="${id}" aria-labelledby="${id}-heading">
<h2 id="${id}-heading">${heading}</h2>
${content}
</section>
`,
)}</main>
<footer><p>Written by <code>@dskd/report</code>: one file, nothing is loaded from elsewhere.</p></footer>
</body>
</html>
`.text;
}
