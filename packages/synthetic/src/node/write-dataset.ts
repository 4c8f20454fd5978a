import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DskdError, throwIfAborted } from '@dskd/base';
import { assertOneOf, assertSize } from '../checks.js';
import { defectsConfig } from '../defects-config.js';
import { generateScene } from '../generate-scene.js';
import { planDataset, type PlannedImage, type PlanOptions } from '../plan-dataset.js';
import type { Level } from '../scene/definition.js';
import { GENERATOR_VERSION } from '../version.js';
import { sharpEncoder, type Encode } from './encode.js';
import { endReplacing, putInPlace } from './put-in-place.js';

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

/** Says how the dataset was made, and that this package made it. */
const RECORD = 'synthetic.json';

/** Images that may wait for their encoder. */
const WAITING = 4;

/**
 * Writes one category in the layout of MVTec LOCO AD into `folder/CATEGORY`, which is there only when it is
 * complete: a failure or an abort leaves nothing. A kill leaves a hidden folder `.CATEGORY.*.tmp`, which is
 * half-written, or, in the moment in which a dataset is replaced, a `.CATEGORY.*.old.tmp`, which is the old one: the
 * next call puts it back (and then replaces it, where it may).
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
  // No empty folders: whoever reads them takes them for forgotten images.
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
      // Its failure is met where it is awaited, which may be later than it happens.
      writing.catch(() => undefined);
      waiting.push(writing);
      if (waiting.length >= WAITING) await waiting.shift();
    }
    await Promise.all(waiting);
  } finally {
    // Whoever removes the folder must find it at rest.
    await Promise.allSettled(waiting);
  }
}

async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
}
