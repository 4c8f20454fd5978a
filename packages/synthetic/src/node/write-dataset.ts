import { randomBytes } from 'node:crypto';
import { access, mkdir, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DskdError, type PixelBuffer, throwIfAborted } from '@dskd/base';
import { assertOneOf, assertSize } from '../categories.js';
import { generateScene, GENERATOR_VERSION } from '../generate-scene.js';
import { defectsConfig, planDataset, type PlannedImage, type PlanOptions } from '../plan-dataset.js';
import type { Level } from '../scene/definition.js';

export interface WriteDatasetOptions extends PlanOptions {
  /** Width and height in pixels, 128..1024. */
  readonly size: number;
  /** Default `'standard'`. */
  readonly level?: Level;
  /** Whether a dataset that this function wrote before is replaced. Default false. */
  readonly overwrite?: boolean;
  /** Writes the PNGs. Default: sharp. */
  readonly encode?: Encode;
  readonly signal?: AbortSignal;
  /** Called after each image. */
  readonly onImage?: (image: PlannedImage, index: number, total: number) => void;
}

export interface WrittenDataset {
  /** The category's folder. */
  readonly folder: string;
  readonly images: readonly PlannedImage[];
}

/** Records how the dataset was made; a folder with this file was written by this package. */
const RECORD = 'synthetic.json';

/** Number of images that are encoded at the same time. */
const WAITING = 4;

/**
 * Writes one category in the layout of MVTec LOCO AD into `folder/CATEGORY`, which appears only when it is complete:
 * a failure or an abort leaves nothing. A process that is killed leaves an incomplete hidden folder
 * `.CATEGORY.*.tmp`. If it was replacing a dataset, the old one may be left as `.CATEGORY.*.old.tmp`; the next call
 * restores it (and then replaces it, with `overwrite`).
 * @returns the category's folder and its images.
 * @throws {DskdError} `invalid-argument` where `folder/CATEGORY` is not empty and may not be replaced;
 * `dependency-missing`, `aborted`
 */
export async function writeDataset(folder: string, options: WriteDatasetOptions): Promise<WrittenDataset> {
  const { category, size, level = 'standard', signal } = options;
  const images = planDataset(options);
  assertSize(size);
  assertOneOf('level', level, ['standard', 'hard']);
  throwIfAborted(signal);
  const target = path.join(folder, category);
  const aside = new RegExp(`^\\.${category}\\.[0-9a-f]{12}\\.old\\.tmp$`);
  await endReplacing(folder, target, (name) => aside.test(name));
  await refuseForeign(target, options.overwrite ?? false);
  const encode = options.encode ?? (await sharpEncoder());

  const suffix = randomBytes(6).toString('hex');
  const temporary = path.join(folder, `.${category}.${suffix}.tmp`);
  await mkdir(temporary, { recursive: true });
  try {
    await writeImages(temporary, images, { ...options, level, encode });
    await writeJson(path.join(temporary, 'defects_config.json'), defectsConfig(category, { size }));
    await writeJson(path.join(temporary, RECORD), {
      generator: '@dskd/synthetic',
      version: GENERATOR_VERSION,
      category,
      size,
      level,
      seed: options.seed,
      images: images.map(({ path: at, split, index, anomaly }) => ({ path: at, split, index, anomaly })),
    });
    throwIfAborted(signal);
    await putInPlace(temporary, target, path.join(folder, `.${category}.${suffix}.old.tmp`));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  return { folder: target, images };
}

async function refuseForeign(target: string, overwrite: boolean): Promise<void> {
  const names: string[] = await readdir(target).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
  if (names.length === 0) return;
  if (!overwrite) {
    throw new DskdError('invalid-argument', `${target} is not empty.`, {
      hint: 'Choose another folder, or replace the dataset with overwrite: true.',
      details: { folder: target, overwrite },
    });
  }
  if (!names.includes(RECORD)) {
    throw new DskdError(
      'invalid-argument',
      `${target} holds something else than a synthetic dataset (no ${RECORD}).`,
      {
        hint: 'Choose another folder, or empty this one yourself.',
        details: { folder: target },
      },
    );
  }
}

type Resolved = WriteDatasetOptions & { readonly level: Level; readonly encode: Encode };

async function writeImages(root: string, images: readonly PlannedImage[], options: Resolved): Promise<void> {
  const { size, level, encode, signal, onImage } = options;
  const labels = [
    'train/good',
    'validation/good',
    'test/good',
    'test/logical_anomalies',
    'test/structural_anomalies',
  ];
  // No empty folders: readers report them as missing images.
  const used = labels.filter((label) => images.some((image) => path.posix.dirname(image.path) === label));
  for (const label of used) await mkdir(path.join(root, label), { recursive: true });

  const waiting: Promise<void>[] = [];
  try {
    for (const [index, planned] of images.entries()) {
      throwIfAborted(signal);
      const { image, regions } = generateScene({ ...planned, size, level });
      const write = async (): Promise<void> => {
        await writeFile(path.join(root, `${planned.path}.png`), await encode(image));
        const truth = path.join(root, planned.path.replace(/^test/, 'ground_truth'));
        if (regions.length > 0) await mkdir(truth, { recursive: true });
        for (const [i, { mask }] of regions.entries()) {
          await writeFile(path.join(truth, `${String(i).padStart(3, '0')}.png`), await encode(mask));
        }
        onImage?.(planned, index, images.length);
      };
      const writing = write();
      // A failure is handled where `writing` is awaited, which may be later.
      writing.catch(() => undefined);
      waiting.push(writing);
      if (waiting.length >= WAITING) await waiting.shift();
    }
    await Promise.all(waiting);
  } finally {
    // The folder may be removed after this: nothing must still write to it.
    await Promise.allSettled(waiting);
  }
}

async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
}

/**
 * Renames the folder `temporary` to `target`. A folder that had that name is moved to `aside` first, and removed at
 * the end under the name of `temporary`: a folder named `aside` is always complete.
 */
async function putInPlace(temporary: string, target: string, aside: string): Promise<void> {
  if (!(await isThere(target))) return rename(temporary, target);
  if ((await readdir(target)).length === 0) {
    await rmdir(target);
    return rename(temporary, target);
  }
  await rename(target, aside);
  try {
    await rename(temporary, target);
  } catch (error) {
    await rename(aside, target);
    throw error;
  }
  await rename(aside, temporary);
  await rm(temporary, { recursive: true });
}

/**
 * Cleans up after a process that was killed while it replaced `target`: the dataset that it had moved aside is
 * moved back if `target` does not exist, and removed otherwise.
 * @param isAside whether a name in `folder` is one that `putInPlace` got as `aside`.
 */
async function endReplacing(
  folder: string,
  target: string,
  isAside: (name: string) => boolean,
): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const left = names.filter(isAside).map((name) => path.join(folder, name));
  const times = new Map<string, number>();
  for (const each of left) times.set(each, (await stat(each)).mtimeMs);
  left.sort((a, b) => times.get(b)! - times.get(a)!);
  for (const each of left) {
    if (await isThere(target)) await rm(each, { recursive: true });
    else await rename(each, target);
  }
}

function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** Turns pixels (1 or 3 channels) into the bytes of a PNG. */
export type Encode = (pixels: PixelBuffer) => Promise<Uint8Array>;

/**
 * Encodes by sharp, an optional peer dependency.
 * @throws {DskdError} `dependency-missing`
 */
export async function sharpEncoder(): Promise<Encode> {
  let sharp;
  try {
    sharp = (await import('sharp')).default;
  } catch (cause) {
    throw new DskdError(
      'dependency-missing',
      'Images are written by the package sharp (0.34 or newer), which could not be loaded.',
      { hint: 'npm install sharp, or give an encoder of your own.', cause },
    );
  }
  return async ({ data, width, height, channels }) =>
    sharp(data, { raw: { width, height, channels: channels as 1 | 3 } })
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .png()
      .toBuffer();
}
