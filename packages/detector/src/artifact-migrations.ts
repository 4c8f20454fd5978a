/** A description that was parsed but not yet checked. */
type Unchecked = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Unchecked {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Format 2 says how images are fitted, how students are stored, whether pixels are ignored, and has one
 * training record per run. What format 1 had no word for did not exist. What does not look like format 1 is
 * left for the schema to name.
 */
function fromFormat1({ resize, training, branches, ...rest }: Unchecked): Unchecked {
  const names = Array.isArray(branches)
    ? branches.map((branch: unknown) => (isRecord(branch) ? branch.name : undefined))
    : [];
  return {
    ...rest,
    format: 2,
    resize:
      resize === 'squeeze-bilinear-antialiased'
        ? { fit: 'stretch', filter: 'bilinear-antialiased', fill: null }
        : resize,
    storage: 'float32',
    ignored: false,
    branches,
    trainings: [
      isRecord(training) ? { ...training, branches: names, augmentation: null, options: {} } : training,
    ],
  };
}

/** `record` with some of its keys renamed; what is not a record is left for the schema to name. */
function renamed(record: unknown, names: Readonly<Record<string, string>>): unknown {
  if (!isRecord(record)) return record;
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [names[key] ?? key, value]));
}

/** `record` with the value of one key replaced, if it has that key. */
function changed(record: unknown, key: string, change: (value: unknown) => unknown): unknown {
  if (!isRecord(record) || !(key in record)) return record;
  return { ...record, [key]: change(record[key]) };
}

const each =
  (change: (item: unknown) => unknown) =>
  (list: unknown): unknown =>
    Array.isArray(list) ? list.map(change) : list;

const stretched = (fit: unknown): unknown => (fit === 'squeeze' ? 'stretch' : fit);

const usAugmentation = (augmentation: unknown): unknown =>
  renamed(augmentation, { colourJitter: 'colorJitter' });

/** Format 2 called images pictures, and its keys had British spelling. */
function trainingFromFormat2(training: unknown): unknown {
  const named = renamed(training, { pictures: 'images' });
  const options = changed(named, 'options', (value) =>
    changed(
      renamed(value, {
        initialise: 'initialize',
        initialiseGlobal: 'initializeGlobal',
        optimisers: 'optimizers',
        normalisation: 'normalization',
      }),
      'fit',
      stretched,
    ),
  );
  return changed(options, 'augmentation', usAugmentation);
}

/**
 * Format 3 has US spelling, says `image` for `picture` and `stretch` for `squeeze`, keeps what normalizes a branch
 * under one key (`mean` and `standardDeviation` held quantiles, too), and calls the embedded teacher by its
 * package's name.
 */
function fromFormat2(description: Unchecked): Unchecked {
  const branchFrom2 = (branch: unknown): unknown => {
    if (!isRecord(branch)) return branch;
    const { mean, standardDeviation, ...rest } = branch;
    return { ...rest, normalization: { offset: mean, scale: standardDeviation } };
  };
  const { branches, fusion, calibration, resize, teacher, trainings, ...rest } = description;
  return {
    ...rest,
    format: 3,
    branches: each(branchFrom2)(branches),
    fusion: renamed(fusion, { normalisation: 'normalization' }),
    calibration: renamed(calibration, { pictures: 'images' }),
    resize: changed(resize, 'fit', stretched),
    teacher: changed(teacher, 'name', (name) => (name === 'dskd_tiny' ? 'teacher-tiny' : name)),
    trainings: each(trainingFromFormat2)(trainings),
  };
}

/** From each older format to the next one. */
const STEPS: ReadonlyMap<number, (description: Unchecked) => Unchecked> = new Map([
  [1, fromFormat1],
  [2, fromFormat2],
]);

/** The oldest format that can still be read. */
export const OLDEST_FORMAT = 1;

/** Brings a description of an older format to the current one, step by step. */
export function migrateDescription(description: Unchecked, format: number): Unchecked {
  let current = description;
  for (let from = format, step = STEPS.get(from); step; from++, step = STEPS.get(from))
    current = step(current);
  return current;
}
