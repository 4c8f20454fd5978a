import type { StateDict } from '@dskd/weights';

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

/** What format 2 recorded of a run beside what every method records, under its names of format 3. */
const FIT_KEYS = {
  epochs: 'epochs',
  batchSize: 'batchSize',
  steps: 'steps',
  learningRates: 'learningRates',
  reestimatedBatchNorm: 'reestimatedBatchNorm',
  finalLosses: 'finalLosses',
} as const;

/** `record` in two: the entries under `names`, renamed, and the rest. */
function split(record: Unchecked, names: Readonly<Record<string, string>>): [Unchecked, Unchecked] {
  const taken = Object.entries(record).filter(([key]) => key in names);
  const rest = Object.entries(record).filter(([key]) => !(key in names));
  return [Object.fromEntries(taken.map(([key, value]) => [names[key]!, value])), Object.fromEntries(rest)];
}

function trainingFromFormat2(training: unknown): unknown {
  if (!isRecord(training)) return training;
  const [fit, { pictures, options, augmentation, ...rest }] = split(training, FIT_KEYS);
  const [ofStudents, others] = isRecord(options)
    ? split(options, { initialise: 'initialize', optimisers: 'optimizers' })
    : [{}, options];
  return {
    ...rest,
    images: pictures,
    augmentation: usAugmentation(augmentation),
    options: changed(
      renamed(others, { initialiseGlobal: 'initializeGlobal', normalisation: 'normalization' }),
      'fit',
      stretched,
    ),
    fit: { ...fit, ...ofStudents },
  };
}

/**
 * Format 3 names the method and keeps under `config` what the method alone understands: all detectors of format 2 are
 * of `dskd`. It has US spelling, says `image` for `picture` and `stretch` for `squeeze`, keeps what normalizes a branch
 * under one key (`mean` and `standardDeviation` held quantiles, too), and calls the embedded teacher by its package's
 * name.
 */
function fromFormat2(description: Unchecked): Unchecked {
  const { branches, fusion, calibration, resize, teacher, trainings, ...rest } = description;
  const sharedBranch = (branch: unknown): unknown => {
    if (!isRecord(branch)) return branch;
    const { name, mean, standardDeviation, calibrationScores } = branch;
    return { name, map: true, normalization: { offset: mean, scale: standardDeviation }, calibrationScores };
  };
  const student = (branch: unknown): unknown =>
    isRecord(branch) ? { name: branch.name, student: branch.student, objective: branch.objective } : branch;
  const rule = isRecord(fusion) ? fusion : {};
  return {
    ...rest,
    format: 3,
    method: 'dskd',
    config: {
      branches: each(student)(branches),
      levels: { fusion: rule.levels, alignCorners: rule.alignCorners },
    },
    branches: each(sharedBranch)(branches),
    fusion: { sigma: rule.sigma, normalization: rule.normalisation ?? 'moments', rule: 'sum', weights: {} },
    calibration: renamed(calibration, { pictures: 'images' }),
    resize: changed(resize, 'fit', stretched),
    teacher: changed(teacher, 'name', (name) => (name === 'dskd_tiny' ? 'teacher-tiny' : name)),
    trainings: each(trainingFromFormat2)(trainings),
  };
}

/** The tensors of a file of an older format under the names of the current one. */
export function migrateTensors(tensors: StateDict, format: number): StateDict {
  if (format >= 3) return tensors;
  return new Map([...tensors].map(([name, entry]) => [name.replace(/^students\./, 'dskd.'), entry]));
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
