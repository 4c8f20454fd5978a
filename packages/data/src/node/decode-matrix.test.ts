import sharp from 'sharp';
import { readFile, writeFile } from 'node:fs/promises';
import { decodeImage } from './decode.js';
import { MATRIX, profiled } from './decode-matrix.test.util.js';
import { errorOf } from './fabricate.test.util.js';

describe('decodeImage: the table of the page on image formats', () => {
  test.each(MATRIX)('$file: $becomes', async ({ bytes, wanted }) => {
    const file = await bytes();
    if (wanted instanceof RegExp) {
      const error = await errorOf(decodeImage(file));
      expect(error.code).toBe('image-unreadable');
      expect(error.message).toMatch(wanted);
      return;
    }
    const { data, channels, width, height } = await decodeImage(file);
    expect(channels).toBe(3);
    expect(data).toHaveLength(width * height * 3);
    if ('near' in wanted) {
      const worst = Math.max(...wanted.near.map((value, index) => Math.abs(value - data[index]!)));
      expect(worst).toBeLessThanOrEqual(wanted.by);
      expect(data).toHaveLength(wanted.near.length);
    } else {
      expect([...data]).toEqual(wanted);
    }
  });

  test('ignoring the profile matters: applying it would change the bytes', async () => {
    const { data } = await sharp(await profiled())
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([...data]).not.toEqual([200, 40, 30]);
  });

  const PAGE = new URL('../../../../docs/data/image-formats.md', import.meta.url);
  const MARKS =
    /(<!-- decode-matrix: made by packages\/data\/src\/node\/decode-matrix\.test\.ts -->\n)[^]*?(<!-- end of decode-matrix -->)/;

  /** As Prettier writes it: cells are padded. */
  function table(): string {
    const cells = [
      ['file', 'becomes', 'in a browser'],
      ...MATRIX.map((row) => [row.file, row.becomes, row.inBrowser]),
    ];
    const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => row[column]!.length)));
    const lines = cells.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | '));
    const rule = widths.map((width) => '-'.repeat(width)).join(' | ');
    return [lines[0]!, rule, ...lines.slice(1)].map((line) => `| ${line} |\n`).join('');
  }

  test('the table in the page is the one made here; DSKD_RENEW=1 writes it', async () => {
    const page = await readFile(PAGE, 'utf8');
    expect(page).toMatch(MARKS);
    const wanted = page.replace(MARKS, (_, start: string, end: string) => `${start}\n${table()}\n${end}`);
    if (process.env.DSKD_RENEW === '1') await writeFile(PAGE, wanted);
    else expect(page).toBe(wanted);
  });
});
