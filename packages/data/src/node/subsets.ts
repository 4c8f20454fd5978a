import path from 'node:path';
import { composed, type FileEntry } from '../layouts/tree.js';
import { type DatasetProblem, type ImageSource, LOGICAL, STRUCTURAL } from '../samples.js';
import { readBytes } from './open-image.js';
import { isFolder } from './listing.js';

const HEADER = `# Images of MVTec AD whose anomaly is logical (a part is missing, misplaced, swapped) rather than
# structural: one per line, as CATEGORY/test/DEFECT/IMAGE, or CATEGORY/test/DEFECT for a whole folder.
# Remove the # before the logical ones.
`;

/** Known category names, so that a list for all categories can be used if only some of them are present. */
const CATEGORIES_OF_MVTEC_AD =
  'bottle cable capsule carpet grid hazelnut leather metal_nut pill screw tile toothbrush transistor wood zipper'.split(
    ' ',
  );

/**
 * Makes a list for `openSource({ root, subsets })`, to be edited by hand: it contains every anomalous image of
 * `sources`, commented out. One list may cover several categories.
 */
export function subsetsTemplate(sources: readonly Pick<ImageSource, 'name' | 'samples'>[]): string {
  const lines = sources.flatMap(({ name, samples }) =>
    samples.filter(({ label }) => label === 'anomalous').map(({ id }) => `#${name}/${id}`),
  );
  return `${[HEADER, ...lines].join('\n')}\n`;
}

interface Line {
  /** Counted from 1. */
  readonly number: number;
  readonly category: string;
  /** Path relative to the category. */
  readonly path: string;
}

function linesOf(text: string): Line[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r\n?|\n/)
    .map((line, index) => {
      const named = line
        .replace(/(^|\s)#.*$/, '')
        .trim()
        .replaceAll('\\', '/')
        .replace(/^\.\/|\/+$/g, '');
      const [category = '', ...rest] = named.split('/');
      return { number: index + 1, category, path: rest.join('/') };
    })
    .filter(({ category }) => category !== '');
}

/**
 * Divides the anomalous images of one category into logical and structural ones, by a list of the logical ones.
 * @param root the category's folder.
 * @throws {DskdError} `file-not-found`, `image-unreadable`, if the list itself cannot be read.
 */
export async function applySubsets(
  file: string,
  root: string,
  entries: readonly FileEntry[],
): Promise<{ entries: FileEntry[]; problems: DatasetProblem[] }> {
  const problems: DatasetProblem[] = [];
  const list = path.basename(file);
  const own = path.basename(path.resolve(root));
  const isCategory = async (name: string): Promise<boolean> =>
    CATEGORIES_OF_MVTEC_AD.includes(name) || (await isFolder(path.resolve(root, '..', name)));

  const lines = linesOf(new TextDecoder().decode(await readBytes(file)));
  if (lines.length === 0) {
    const problem = 'names no image; remove the # before those whose anomaly is logical';
    problems.push({ path: list, problem });
  }
  const logical = new Set<string>();
  for (const { number, category, path: named } of lines) {
    const report = (problem: string): void => {
      problems.push({ path: `${list}:${number}`, problem });
    };
    if (category !== own) {
      if (!(await isCategory(category))) report(`there is no category ${category}`);
      continue;
    }
    const meant = entries.filter(({ id }) => `${composed(id)}/`.startsWith(`${composed(named)}/`));
    if (meant.length === 0) report(`there is no image ${own}/${named}`);
    const good = meant.find(({ label }) => label === 'good');
    if (good) report(`${own}/${good.id} is good; only anomalous images are logical or structural`);
    for (const { id } of meant) logical.add(id);
  }
  return {
    entries: entries.map((entry) => {
      if (entry.label === 'good') return entry;
      return { ...entry, defectType: logical.has(entry.id) ? LOGICAL : STRUCTURAL };
    }),
    problems,
  };
}
