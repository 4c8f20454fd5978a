import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { refusal } from '../image-format.js';
import { CategoryReader } from '../layouts/category-reader.js';
import { MaskPairs, type Named } from '../layouts/mask-pairs.js';
import { type ImageSource, LOGICAL, STRUCTURAL } from '../samples.js';
import { categoryFolder } from './categories.js';
import { type CheckOptions, fileSource } from './file-source.js';
import type { DefectKind, DefectKinds } from './inspect-entry.js';
import { diskTree, isFile, isFolder } from './listing.js';

type Fields = Readonly<Record<string, unknown>>;

function problemsOfEntry({
  defect_name: name,
  pixel_value: value,
  saturation_threshold: threshold,
  relative_saturation: relative,
}: Fields): string[] {
  const problems: string[] = [];
  const wrong = (field: string, got: unknown, wanted: string): void => {
    const shown = got === undefined ? 'missing' : JSON.stringify(got);
    problems.push(`${field} is ${shown}; wanted ${wanted}`);
  };
  if (typeof name !== 'string' || name === '') wrong('defect_name', name, 'a name');
  if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > 255) {
    wrong('pixel_value', value, 'a whole number from 1 to 255');
  }
  if (typeof relative !== 'boolean') wrong('relative_saturation', relative, 'true or false');
  else if (typeof threshold !== 'number' || threshold <= 0) {
    wrong('saturation_threshold', threshold, 'a number above 0');
  } else if (relative && threshold > 1) {
    wrong('saturation_threshold', threshold, "at most 1, a fraction of the region's area (it is relative)");
  } else if (!relative && !Number.isInteger(threshold)) {
    wrong('saturation_threshold', threshold, 'a whole number of pixels (it is not relative)');
  }
  return problems;
}

/**
 * Parses a `defects_config.json` of MVTec LOCO AD.
 * @returns the types of defects, and all problems; the types are valid only if there are no problems.
 */
export function parseDefectsConfig(text: string): { kinds: DefectKinds; problems: string[] } {
  const kinds = new Map<number, DefectKind>();
  let entries: unknown;
  try {
    entries = JSON.parse(text);
  } catch (error) {
    return { kinds, problems: [`not JSON (${(error as Error).message})`] };
  }
  if (!Array.isArray(entries)) return { kinds, problems: ['not a list of defect types'] };
  const problems: string[] = [];
  for (const [index, entry] of (entries as unknown[]).entries()) {
    const place = `entry ${index + 1}`;
    if (typeof entry !== 'object' || entry === null) {
      problems.push(`${place} is ${JSON.stringify(entry)}; wanted a defect type`);
      continue;
    }
    const fields = entry as Fields;
    const wrong = problemsOfEntry(fields);
    problems.push(...wrong.map((problem) => `${place}: ${problem}`));
    if (wrong.length > 0) continue;
    const value = fields.pixel_value as number;
    const kind: DefectKind = {
      name: fields.defect_name as string,
      saturationThreshold: fields.saturation_threshold as number,
      relativeSaturation: fields.relative_saturation as boolean,
    };
    const same = kinds.get(value);
    if (same) problems.push(`${place}: ${kind.name} has the same pixel_value ${value} as ${same.name}`);
    else kinds.set(value, kind);
  }
  return { kinds, problems };
}

export interface OpenMvtecLocoAdOptions extends CheckOptions {
  /** Folder of the categories, or of one category. */
  readonly root: string;
  /** Name of the category's folder in `root`. Not needed if `root` is the category. */
  readonly category?: string;
  /** Whether each anomalous image must have masks. Default `'optional'`. */
  readonly masks?: 'required' | 'optional';
}

const CONFIG = 'defects_config.json';
const SUBSETS: readonly string[] = [LOGICAL, STRUCTURAL];

/** Whether `folder` is a category of MVTec LOCO AD rather than of MVTec AD. */
export async function isMvtecLocoAd(folder: string): Promise<boolean> {
  if (await isFile(path.join(folder, CONFIG))) return true;
  const subsets = SUBSETS.map((name) => isFolder(path.join(folder, 'test', name)));
  return (await Promise.all(subsets)).includes(true);
}

class MvtecLocoAdReader extends CategoryReader {
  readonly #pairs: MaskPairs;

  constructor(root: string, masks: 'required' | 'optional' | undefined) {
    super(diskTree(root), 'MVTec LOCO AD');
    this.#pairs = new MaskPairs(masks);
  }

  async read(): Promise<void> {
    await this.goodSplits();
    const folders = await this.testFolders(async (name) => {
      if (SUBSETS.includes(name)) return this.#defects(name);
      const wanted = `only good, ${SUBSETS.join(' and ')} are allowed here`;
      this.report(`test/${name}`, `unexpected folder; ${wanted}`);
    });
    for (const subset of SUBSETS.filter((name) => !folders.includes(name))) {
      const truth = `ground_truth/${subset}`;
      if (await this.has(truth)) this.report(truth, `masks, but there is no folder test/${subset}`);
    }
    this.problems.push(...this.#pairs.problems);
  }

  async allWarnings(): Promise<string[]> {
    const layout = ['train', 'validation', 'test', 'ground_truth'];
    return [...this.#pairs.warnings(), ...(await this.warnings(layout))];
  }

  async #defects(subset: string): Promise<void> {
    const images = (await this.images(`test/${subset}`)).map((name) => ({
      id: `test/${subset}/${name}`,
      stem: path.parse(name).name,
    }));
    const pairs = this.#pairs.pair(
      { folder: `test/${subset}`, images, masks: await this.#truthsOf(subset) },
      (stem) => `folder ground_truth/${subset}/${stem}`,
    );
    for (const { id } of images) {
      const truth = pairs.get(id);
      const regions = truth === undefined ? undefined : await this.#masks(truth);
      const entry = { id, split: 'test', label: 'anomalous', defectType: subset } as const;
      this.entries.push(regions ? { ...entry, regions } : entry);
    }
  }

  /** The folders of masks, which are named like their images. */
  async #truthsOf(subset: string): Promise<Named[]> {
    const relative = `ground_truth/${subset}`;
    if (!(await this.has(relative))) return [];
    const { folders, images, refused } = await this.list(relative);
    for (const name of [...images, ...refused]) {
      this.report(
        `${relative}/${name}`,
        `a mask outside the folder of its image; MVTec LOCO AD keeps those of 000.png in ${relative}/000`,
      );
    }
    return folders.map((name) => ({ id: `${relative}/${name}`, stem: name }));
  }

  /** File names of the masks of one image, one file per defect. */
  async #masks(relative: string): Promise<string[]> {
    const { folders, images, refused } = await this.list(relative);
    for (const name of refused) this.report(`${relative}/${name}`, refusal(name));
    for (const name of folders) this.report(`${relative}/${name}`, 'a folder among the masks');
    if (images.length + refused.length === 0) this.report(relative, 'the folder holds no masks');
    return images.map((name) => `${relative}/${name}`);
  }

  /** Types of defects; undefined if they cannot be read (reported if masks need them). */
  async kinds(): Promise<DefectKinds | undefined> {
    let text: string;
    try {
      text = await readFile(path.join(this.tree.root, CONFIG), 'utf8');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const isNeeded = this.entries.some(({ regions }) => regions !== undefined);
      if (code !== 'ENOENT') this.report(CONFIG, `cannot be read (${code ?? String(error)})`);
      else if (isNeeded) this.report(CONFIG, 'there is no such file, so the meaning of the masks is unknown');
      return undefined;
    }
    const { kinds, problems } = parseDefectsConfig(text);
    for (const problem of problems) this.report(CONFIG, problem);
    return problems.length === 0 ? kinds : undefined;
  }
}

/**
 * Opens one category in the layout of MVTec LOCO AD: `train/good`, `validation/good` (optional), `test/good`,
 * `test/logical_anomalies` and `test/structural_anomalies` (optional), `ground_truth/<subset>/<image>/<defect>.png`
 * and `defects_config.json` (optional, together). Every file is inspected, so that problems are found before a long computation starts.
 * Each mask must contain one value besides 0, and the config must define that value.
 *
 * Defects are kept separate: `loadRegions` returns one region per file, with its type and its saturation area;
 * `loadMask` returns their union. The `defectType` of a sample is its subset.
 *
 * @throws {DskdError} `dataset-invalid` with all problems in `details.problems`; `dependency-missing`, `aborted`
 */
export async function openMvtecLocoAd(options: OpenMvtecLocoAdOptions): Promise<ImageSource> {
  const { category, masks, ...checks } = options;
  const root = await categoryFolder(options.root, category);
  const reader = new MvtecLocoAdReader(root, masks);
  await reader.read();
  const kinds = await reader.kinds();
  return fileSource({
    root,
    entries: reader.entries,
    problems: reader.problems,
    warnings: await reader.allWarnings(),
    ...(kinds && { kinds }),
    hint: `The layout is train/good, test/<good, ${SUBSETS.join(' or ')}>, ground_truth/<subset>/<image>/<defect>.png and ${CONFIG}.`,
    checks,
  });
}
