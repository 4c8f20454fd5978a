// How reports of benches become pages: formatted as the rest of the repository, so that a renewed page passes its checks.
import { writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';

/** Writes a Markdown page. */
export async function writePage(page, text) {
  await writeFile(page, await format(text, { ...(await resolveConfig(page)), parser: 'markdown' }));
}
