import { Html, markup } from './html.js';
import { STYLES, STYLES_SHA256 } from './styles.js';

/** One section of the page, linked from the table of contents. */
export interface Section {
  /** Unique on the page. */
  readonly id: string;
  readonly title: string;
  readonly content: Html;
}

/**
 * Content security policy: nothing is loaded, no script runs, and only the style sheet with this hash applies, so that
 * markup injected through a hostile name would have no effect.
 */
const POLICY = `default-src 'none'; img-src data:; style-src 'sha256-${STYLES_SHA256}'; base-uri 'none'; form-action 'none'`;

export interface PageOptions {
  readonly title: string;
  /** Under the title. */
  readonly subtitle?: Html;
  readonly sections: readonly Section[];
}

/** The complete HTML document. */
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
