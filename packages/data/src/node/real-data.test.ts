import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { summarize } from '../samples.js';
import { openSource } from './open-source.js';

const root = fileURLToPath(new URL('../../../../../shared/data/mvtec_ad', import.meta.url));
const present = existsSync(root);
if (!present) console.log(`SKIPPED real MVTec AD: there is no ${root}`);

(present ? test : test.skip)('reads real MVTec AD categories', async () => {
  const counts = async (category: string): Promise<unknown[]> =>
    summarize(await openSource({ root, category })).rows.map((row) => [
      row.split,
      row.defectType,
      row.images,
      row.masks,
    ]);
  expect(await counts('transistor')).toEqual([
    ['train', 'good', 213, 0],
    ['test', 'good', 60, 0],
    ['test', 'bent_lead', 10, 10],
    ['test', 'cut_lead', 10, 10],
    ['test', 'damaged_case', 10, 10],
    ['test', 'misplaced', 10, 10],
  ]);
  expect(await counts('bottle')).toEqual([
    ['train', 'good', 209, 0],
    ['test', 'good', 20, 0],
    ['test', 'broken_large', 20, 20],
    ['test', 'broken_small', 22, 22],
    ['test', 'contamination', 21, 21],
  ]);
});
