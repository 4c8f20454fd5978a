import { signal } from '@preact/signals';
import type { TextKey } from './languages/index.js';

/** Light or dark, and the text of each choice. */
export const SCHEMES = {
  auto: 'schemeAuto',
  light: 'schemeLight',
  dark: 'schemeDark',
} as const satisfies Record<string, TextKey>;
export type Scheme = keyof typeof SCHEMES;

const KEY = 'dskd-scheme';

function chosen(): Scheme {
  const stored = localStorage.getItem(KEY);
  return stored === 'light' || stored === 'dark' ? stored : 'auto';
}

export const scheme = signal<Scheme>(chosen());

export function setScheme(value: Scheme): void {
  scheme.value = value;
  localStorage.setItem(KEY, value);
  document.documentElement.dataset.scheme = value;
}
