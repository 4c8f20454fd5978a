import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { DskdError, isDskdError, throwIfAborted } from '@dskd/base';
import { datasetError, type DatasetProblem } from '@dskd/data';
import { CATEGORIES, GENERATOR_VERSION } from '@dskd/synthetic';
import { writeDataset } from '@dskd/synthetic/node';
import type { BenchmarkConfig, SyntheticData } from '../config.js';
import { type CategoryFacts, identityOf } from '../cell.js';
import { openCategory } from './train-and-evaluate.js';

const isFolder = async (at: string): Promise<boolean> =>
  (await stat(at).catch(() => undefined))?.isDirectory() ?? false;

/** Generates images that do not exist yet. A category's folder exists only when it is complete. */
async function draw(
  folder: string,
  category: string,
  synthetic: SyntheticData,
  signal: AbortSignal | undefined,
): Promise<string> {
  const target = path.join(folder, category);
  if (!(await isFolder(target))) {
    await writeDataset(folder, { ...synthetic, category, ...(signal && { signal }) });
  }
  return target;
}

/** Folders in `root` that contain a folder `train`, or `root` itself. */
async function categoriesIn(root: string): Promise<{ name: string; root: string }[]> {
  if (await isFolder(path.join(root, 'train'))) {
    return [{ name: path.basename(path.resolve(root)), root }];
  }
  const names = await readdir(root).catch((cause: unknown) => {
    throw new DskdError('file-not-found', `Cannot read the folder ${root}.`, { cause });
  });
  const found: { name: string; root: string }[] = [];
  for (const name of names.sort()) {
    if (await isFolder(path.join(root, name, 'train'))) found.push({ name, root: path.join(root, name) });
  }
  return found;
}

async function roots(
  { data, categories }: Pick<BenchmarkConfig, 'data' | 'categories'>,
  results: string,
  signal: AbortSignal | undefined,
): Promise<{ name: string; root: string }[]> {
  if (typeof data !== 'string') {
    const { synthetic } = data;
    const folder = path.join(results, 'data', identityOf({ generator: GENERATOR_VERSION, ...synthetic }));
    const drawn: { name: string; root: string }[] = [];
    for (const name of categories ?? CATEGORIES.map((each) => each.name)) {
      drawn.push({ name, root: await draw(folder, name, synthetic, signal) });
    }
    return drawn;
  }
  const found = await categoriesIn(data);
  if (found.length === 0) {
    throw new DskdError('dataset-invalid', `${data} contains no category: no folder with train/good in it.`, {
      hint: 'Give the folder that contains the categories, in the layout of MVTec LOCO AD or MVTec AD.',
    });
  }
  if (!categories) return found;
  return categories.map((name) => {
    const one = found.find((each) => each.name === name);
    if (one) return one;
    throw new DskdError(
      'dataset-invalid',
      `${data} has no category ${name}; there are ${found.map((each) => each.name).join(', ')}.`,
    );
  });
}

/** The logical images of MVTec AD in the paper's Table 3, for `openSource`. */
const LOGICAL_IMAGES = fileURLToPath(new URL('../../lists/mvtec-ad-logical.txt', import.meta.url));
/** Folder of the logical anomalies in the layout of MVTec LOCO AD. */
const LOGICAL = 'logical_anomalies';
const WITH_SUBSETS: readonly string[] = ['table3', 'fig5'];

/** The list that divides the anomalies of a category: MVTec AD's has no folders for them. */
async function subsetsOf(
  { subsets, tables }: Pick<BenchmarkConfig, 'subsets' | 'tables'>,
  root: string,
): Promise<string | undefined> {
  if (subsets !== undefined || !tables.some((name) => WITH_SUBSETS.includes(name))) return subsets;
  return (await isFolder(path.join(root, 'test', LOGICAL))) ? undefined : LOGICAL_IMAGES;
}

/**
 * Opens and checks the categories of a grid. Table 3 and Fig. 5 take the paper's list of logical images where none is given and the
 * layout has no folders for them. Missing synthetic images are generated.
 * @throws {DskdError} `dataset-invalid`, `file-not-found`, `aborted`, and what generating images throws.
 */
export async function prepareCategories(
  config: Pick<BenchmarkConfig, 'data' | 'categories' | 'subsets' | 'tables'>,
  results: string,
  signal?: AbortSignal,
): Promise<CategoryFacts[]> {
  const prepared: CategoryFacts[] = [];
  for (const { name, root } of await roots(config, results, signal)) {
    throwIfAborted(signal);
    const subsets = await subsetsOf(config, root);
    const place = { name, root: path.resolve(root), ...(subsets !== undefined && { subsets }) };
    const source = await openCategory(place, signal);
    const inSplit = (split: string): number => source.samples.filter((each) => each.split === split).length;
    prepared.push({
      ...place,
      fingerprint: await source.fingerprint(signal ? { signal } : {}),
      images: { train: inSplit('train'), test: inSplit('test') },
    });
  }
  return prepared;
}

export interface ReadCategoriesOptions {
  /** Called after each category, with the number of those that were read. */
  readonly onRead?: (category: string, done: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Decodes every image and mask of categories once: a damaged one among the test images must not be found after hours of
 * training.
 * @throws {DskdError} `dataset-invalid` with the problems of all categories; `aborted`.
 */
export async function readCategories(
  categories: readonly CategoryFacts[],
  { onRead, signal }: ReadCategoriesOptions = {},
): Promise<void> {
  const problems: DatasetProblem[] = [];
  for (const [index, category] of categories.entries()) {
    throwIfAborted(signal);
    try {
      await openCategory(category, signal, true);
    } catch (error) {
      if (!isDskdError(error, 'dataset-invalid') || !Array.isArray(error.details.problems)) throw error;
      const found = error.details.problems as readonly DatasetProblem[];
      problems.push(...found.map((each) => ({ ...each, path: `${category.name}/${each.path}` })));
    }
    onRead?.(category.name, index + 1);
  }
  if (problems.length > 0) throw datasetError('of the benchmark', problems);
}
