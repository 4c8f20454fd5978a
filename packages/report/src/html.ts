import { base64, DskdError } from '@dskd/base';

/** Markup that is inserted without escaping: the result of {@link markup}, and the style sheet. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A value of a template: strings are escaped, lists are joined, `undefined` and `false` give nothing. */
export type Insertable = Html | string | number | undefined | false | readonly Insertable[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Escapes text for HTML content and quoted attributes. Control characters and unpaired surrogates, which HTML does not
 * allow and file names can contain, are replaced by U+FFFD.
 */
export function escapeHtml(text: string): string {
  return (
    text
      // oxlint-disable-next-line no-control-regex -- they are what is looked for
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]/g, '\ufffd')
      .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd')
      .replace(/[&<>"']/g, (character) => ENTITIES[character]!)
  );
}

function textOf(value: Insertable): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return String(value);
  return value.map(textOf).join('');
}

/** A template of HTML or SVG in which every inserted text is escaped. Attributes must be quoted. */
export function markup(strings: TemplateStringsArray, ...values: readonly Insertable[]): Html {
  return new Html(String.raw({ raw: strings }, ...values.map(textOf)));
}

/** Image types by their first bytes; `undefined` matches any byte. */
const SIGNATURES: readonly (readonly [type: string, first: readonly (number | undefined)[]])[] = [
  ['image/png', [0x89, 0x50, 0x4e, 0x47]],
  ['image/jpeg', [0xff, 0xd8, 0xff]],
  // RIFF, four bytes of length, WEBP
  [
    'image/webp',
    [0x52, 0x49, 0x46, 0x46, undefined, undefined, undefined, undefined, 0x57, 0x45, 0x42, 0x50],
  ],
];

/** Images that a page can show without loading anything. */
const DATA_URL = /^data:image\/(?:png|jpeg|webp);base64,[A-Za-z0-9+/]+={0,2}$/;

/**
 * A data URL of an encoded image.
 * @param encoded PNG, JPEG or WebP.
 * @throws {DskdError} `invalid-argument` for anything else.
 */
export function dataUrl(encoded: Uint8Array): string {
  const found = SIGNATURES.find(([, first]) =>
    first.every((byte, index) => byte === undefined || encoded[index] === byte),
  );
  if (!found) {
    throw new DskdError('invalid-argument', 'Got an encoded image that is neither PNG, JPEG nor WebP.');
  }
  return `data:${found[0]};base64,${base64.encode(encoded)}`;
}

/**
 * Checks that `url` is a data URL of an image.
 * @throws {DskdError} `invalid-argument`
 */
export function assertDataUrl(url: string): void {
  if (DATA_URL.test(url)) return;
  throw new DskdError(
    'invalid-argument',
    `Got ${JSON.stringify(url.slice(0, 40))} for an image; wanted a data URL of a PNG, JPEG or WebP in base64.`,
    { hint: 'makePanels returns such URLs.' },
  );
}

export interface TableColumn {
  readonly title: Insertable;
  /** Numeric columns are aligned to the right, with digits of equal width. */
  readonly numeric?: boolean;
}

export interface TableOptions {
  readonly caption: Insertable;
  /** Name of the scrolling area for screen readers. Default: the caption, if it is a string. */
  readonly name?: string;
  readonly columns: readonly TableColumn[];
  /** The first cell of a row is its header. */
  readonly rows: readonly (readonly Insertable[])[];
}

/** A table with caption and header scopes, in an area that scrolls when the table is too wide. */
export function table({ caption, name, columns, rows }: TableOptions): Html {
  const cellClass = (index: number): Html | undefined =>
    columns[index]?.numeric === true ? markup` class="number"` : undefined;
  const label = name ?? (typeof caption === 'string' ? caption : 'Table');
  return markup`<div class="scroll" role="region" aria-label="${label}" tabindex="0">
<table>
<caption><span>${caption}</span></caption>
<thead><tr>${columns.map(({ title }, index) => markup`<th scope="col"${cellClass(index)}>${title}</th>`)}</tr></thead>
<tbody>
${rows.map(
  (row) =>
    markup`<tr>${row.map((cell, index) =>
      index === 0 ? markup`<th scope="row">${cell}</th>` : markup`<td${cellClass(index)}>${cell}</td>`,
    )}</tr>\n`,
)}</tbody>
</table>
</div>`;
}

/** A fact needed to reproduce a result: a command, a fingerprint, a version. */
export interface Fact {
  readonly label: string;
  /** Line breaks are kept. */
  readonly value: string;
}

export function factList(facts: readonly Fact[]): Html {
  return markup`<dl class="facts">${facts.map(
    ({ label, value }) =>
      markup`<div><dt><bdi>${label}</bdi></dt><dd><code><bdi>${value}</bdi></code></dd></div>\n`,
  )}</dl>`;
}
