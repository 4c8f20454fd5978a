import { parseArgs } from 'node:util';
import { DskdError } from '@dskd/base';
import { CATEGORIES } from '@dskd/synthetic';

/** What the demo can be told. */
export interface Settings {
  /** Folder that is written, or replaced if an earlier demo made it. */
  readonly out: string;
  /** Category of @dskd/synthetic. */
  readonly category: string;
  /** Of the drawn images. */
  readonly dataSeed: number;
  /** Of the training: initial weights and the order of images. */
  readonly seed: number;
  /** Passes of the students over the training images. */
  readonly epochs: number;
  /** Number of images to train on, to calibrate on, to test on. */
  readonly train: number;
  readonly validation: number;
  readonly test: number;
}

export const USAGE = `npm run demo -- [options]

  --out FOLDER       where everything is written (demo)
  --category NAME    tray, box, bag, harness or flask (tray)
  --seed N           of the training (1)
  --data-seed N      of the images (7)
  --epochs N         passes of the students over the images (12)
  --train N          images to train on (200)
  --validation N     images to calibrate on (40)
  --test N           images to test on, a third each good, logical, structural (90)
  --help`;

const OPTIONS = {
  out: { type: 'string', default: 'demo' },
  category: { type: 'string', default: 'tray' },
  seed: { type: 'string', default: '1' },
  'data-seed': { type: 'string', default: '7' },
  epochs: { type: 'string', default: '12' },
  train: { type: 'string', default: '200' },
  validation: { type: 'string', default: '40' },
  test: { type: 'string', default: '90' },
  help: { type: 'boolean', default: false },
} as const;

/**
 * Settings from the arguments of a command line; null where help was asked for.
 * @throws {DskdError} `invalid-argument`
 */
export function readSettings(commandLine: readonly string[]): Settings | null {
  const values = parse(commandLine);
  if (values.help) return null;
  const whole = (name: 'seed' | 'data-seed' | 'epochs' | 'train' | 'validation' | 'test', least: number) => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value >= least) return value;
    throw new DskdError(
      'invalid-argument',
      `--${name}: got ${values[name]}, wanted a whole number from ${least}.`,
    );
  };
  const names = CATEGORIES.map(({ name }) => name);
  if (!names.includes(values.category)) {
    throw new DskdError(
      'invalid-argument',
      `--category: got ${values.category}, wanted one of ${names.join(', ')}.`,
    );
  }
  return {
    out: values.out,
    category: values.category,
    seed: whole('seed', 0),
    dataSeed: whole('data-seed', 0),
    epochs: whole('epochs', 1),
    train: whole('train', 2),
    validation: whole('validation', 1),
    test: whole('test', 3),
  };
}

function parse(commandLine: readonly string[]) {
  try {
    return parseArgs({ args: [...commandLine], options: OPTIONS }).values;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DskdError('invalid-argument', message, {
      cause,
      hint: 'npm run demo -- --help lists the options.',
    });
  }
}

/** The command that does the same again. */
export function commandOf(settings: Settings): string {
  const { out, category, seed, dataSeed, epochs, train, validation, test } = settings;
  const given: Readonly<Record<keyof typeof OPTIONS, string | number | boolean>> = {
    out,
    category,
    seed,
    'data-seed': dataSeed,
    epochs,
    train,
    validation,
    test,
    help: false,
  };
  const options = Object.entries(OPTIONS)
    .map(([name, { default: usual }]) => [name, given[name as keyof typeof OPTIONS], usual] as const)
    .filter(([, value, usual]) => String(value) !== String(usual))
    .map(([name, value]) => `--${name} ${String(value)}`);
  return ['npm run demo', ...(options.length > 0 ? ['--', ...options] : [])].join(' ');
}
