import { t, type TextKey } from '../languages/index.js';

/** What `@dskd/data/web` says of files that it does not read, with the names of the values in it. */
const KNOWN: readonly (readonly [pattern: RegExp, key: TextKey])[] = [
  [/^the file is empty/, 'problemEmpty'],
  [/^a truncated (?<format>\w+)/, 'problemTruncated'],
  [/^unsupported format \((?<format>[^)]*)\)/, 'problemFormat'],
  [/^browsers do not read (?<format>TIFF)/, 'problemFormat'],
  [/^a CMYK JPEG/, 'problemCmyk'],
  [/^could not be decoded/, 'problemUndecodable'],
];

/** Why a file cannot be used, in the language of the page. What is not known here stays as it is. */
export function problemText(problem: string): string {
  for (const [pattern, key] of KNOWN) {
    const match = pattern.exec(problem);
    if (match) return t(key, match.groups ?? {});
  }
  return problem;
}
