import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { DskdError } from '@dskd/base';
import type { ImageSource } from '@dskd/data';
import { openSource, type OpenSourceOptions } from '@dskd/data/node';
import { colored } from './output/print.js';
import { shellQuote } from './output/shell-quote.js';

/** Which images a command works on. */
export interface DataChoice {
  readonly data?: string | undefined;
  readonly category?: string | undefined;
  readonly good?: readonly string[] | undefined;
  readonly bad?: readonly string[] | undefined;
  readonly masks?: readonly string[] | undefined;
}

/** Options of `openSource` that say nothing of where the images are. */
type OpenDataOptions = Omit<OpenSourceOptions, 'root' | 'category' | 'folders' | 'masks'> & {
  /** What named good images are for. Default `'train'`. */
  readonly split?: 'train' | 'test';
};

/**
 * Opens the images that a user chose and prints what is to be said of them on standard error.
 * @throws {DskdError} `invalid-argument` without a choice, or with two; as `openSource`
 */
export async function openData(choice: DataChoice, options: OpenDataOptions): Promise<ImageSource> {
  const { split, ...checks } = options;
  const source = await openSource({ ...placeOf(choice, split), ...checks });
  printWarnings(source.warnings);
  return source;
}

/**
 * Checks that files of images are not written to where they would be read as images the next time. Layouts of datasets
 * do not read other folders.
 * @throws {DskdError} `invalid-argument`
 */
export async function assertOutside(out: string, { data, good, bad, masks }: DataChoice): Promise<void> {
  const isDataset = data !== undefined && existsSync(path.join(data, 'train'));
  const inputs = [
    ...(data === undefined || isDataset ? [] : [data]),
    ...[good, bad, masks].flatMap((each) => each ?? []),
  ];
  for (const input of inputs) {
    const relative = path.relative(await realPathOf(input), await realPathOf(out));
    if (relative.split(path.sep)[0] === '..' || path.isAbsolute(relative)) continue;
    throw new DskdError(
      'invalid-argument',
      `Got ${out} to write maps to, which is inside the images, ${input}.`,
      {
        hint: 'They would be read as images the next time: choose a folder outside.',
      },
    );
  }
}

/** A path after links, of which the last folders need not exist. */
async function realPathOf(given: string): Promise<string> {
  const absolute = path.resolve(given);
  const real = await realpath(absolute).catch(() => undefined);
  if (real !== undefined) return real;
  return path.join(await realPathOf(path.dirname(absolute)), path.basename(absolute));
}

/** Prints sentences as warnings on standard error. */
export function printWarnings(warnings: readonly string[] = []): void {
  for (const warning of warnings) {
    process.stderr.write(`${colored('warning:', 'yellow', process.stderr)} ${warning}\n`);
  }
}

function placeOf(
  { data, category, good, bad, masks }: DataChoice,
  split: OpenDataOptions['split'],
): OpenSourceOptions {
  const named = good ?? bad ?? masks;
  if (named === undefined && data === undefined) {
    throw new DskdError('invalid-argument', '--data <dir> is missing: no images are given.', {
      hint: 'Give a folder of images, a dataset or a manifest; or name folders: --good DIR... --bad DIR... --masks DIR.',
    });
  }
  if (named === undefined) return { root: data!, ...(category !== undefined && { category }) };
  if (data !== undefined) {
    throw new DskdError('invalid-argument', `Got ${data} together with --good, --bad or --masks.`, {
      hint: 'Name all folders with --good, --bad and --masks, or give one dataset.',
    });
  }
  return {
    folders: { ...(good && { good }), ...(bad && { bad }), ...(masks && { masks }), ...(split && { split }) },
    ...(category !== undefined && { category }),
  };
}

/**
 * The flags of the images to evaluate a model on that was trained on `choice`, as a command line. Named good images were
 * trained on, so others are needed.
 */
export function evaluationData(choice: DataChoice): string {
  if (choice.data !== undefined) return shellQuote(dataWords(choice));
  const { bad, masks } = choice;
  return `--good OTHER_GOOD_IMAGES ${shellQuote(dataWords({ bad, masks }))}`.trim();
}

/** The flags of a choice, as words of a command line. */
function dataWords({ data, category, good, bad, masks }: DataChoice): string[] {
  const words = (flag: string, values: readonly string[] = []): string[] =>
    values.length === 0 ? [] : [flag, ...values];
  return [
    ...words('--data', data === undefined ? [] : [data]),
    ...words('--category', category === undefined ? [] : [category]),
    ...words('--good', good),
    ...words('--bad', bad),
    ...words('--masks', masks),
  ];
}
