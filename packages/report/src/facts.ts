import { markup, type Html } from './html.js';

/** What one has to know to do the same again: a command, a fingerprint, a version. */
export interface Fact {
  readonly label: string;
  /** Several lines keep their breaks. */
  readonly value: string;
}

export function factList(facts: readonly Fact[]): Html {
  return markup`<dl class="facts">${facts.map(
    ({ label, value }) =>
      markup`<div><dt><bdi>${label}</bdi></dt><dd><code><bdi>${value}</bdi></code></dd></div>\n`,
  )}</dl>`;
}
