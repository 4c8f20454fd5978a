import { markup, type Html, type Insertable } from './html.js';

export interface TableColumn {
  readonly title: Insertable;
  /** Numbers stand to the right, in figures of equal width. */
  readonly numeric?: boolean;
}

export interface TableOptions {
  readonly caption: Insertable;
  /** For screen readers, which name the area that scrolls. Default: the caption, where that is a string. */
  readonly name?: string;
  readonly columns: readonly TableColumn[];
  /** The first cell names its row. */
  readonly rows: readonly (readonly Insertable[])[];
}

/** A table with caption and scopes, in an area that scrolls by itself where it is too wide. */
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
