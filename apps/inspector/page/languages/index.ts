import { computed, signal } from '@preact/signals';
import i18next from 'i18next';
import { de } from './de.js';
import { en, type Texts } from './en.js';
import { ja } from './ja.js';

/** Languages by their code, each with its own name. */
export const LANGUAGES = { en: 'English', de: 'Deutsch', ja: '日本語' } as const;
export type Language = keyof typeof LANGUAGES;

const KEY = 'dskd-language';

function isLanguage(code: string | null | undefined): code is Language {
  return typeof code === 'string' && code in LANGUAGES;
}

/** What was chosen last, or the first language of the browser that the page has. */
function firstLanguage(): Language {
  const chosen = localStorage.getItem(KEY);
  if (isLanguage(chosen)) return chosen;
  return navigator.languages.map((code) => code.slice(0, 2)).find((code) => isLanguage(code)) ?? 'en';
}

export const language = signal<Language>(firstLanguage());

void i18next.init({
  lng: language.value,
  fallbackLng: 'en',
  // The texts become nodes of Preact, which escapes them.
  interpolation: { escapeValue: false },
  resources: { en: { translation: en }, de: { translation: de }, ja: { translation: ja } },
});

/** Keys, those with plural forms without their endings. */
export type TextKey = keyof Texts extends infer Key
  ? Key extends `${infer Stem}_one` | `${infer Stem}_other`
    ? Stem
    : Key
  : never;

type Values = Readonly<Record<string, string | number>>;

const translate = computed(() => i18next.getFixedT(language.value));

/** A text in the language of the page. What reads it is drawn again when the language changes. */
export function t(key: TextKey, values: Values = {}): string {
  return translate.value(key, values);
}

/** A number in the language of the page. */
export function number(value: number, digits = 0): string {
  return value.toLocaleString(language.value, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** Its first three digits, in the language of the page. */
export function significant(value: number): string {
  return value.toLocaleString(language.value, { maximumSignificantDigits: 3 });
}

export function setLanguage(code: Language): void {
  language.value = code;
  localStorage.setItem(KEY, code);
  document.documentElement.lang = code;
  document.title = t('title');
}
