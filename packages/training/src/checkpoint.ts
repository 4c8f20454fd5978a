import { DskdError } from '@dskd/base';
import { readSafetensors, tensorFiles, writeSafetensors, type StateDict } from '@dskd/weights';
import { z } from 'zod';
import type { ArrayState, StudentState, TrainingState } from './training-state.js';

const METADATA_KEY = 'dskd-checkpoint';
/** Format 1 did not describe its run; format 2 had British spelling. */
const FORMAT_VERSION = 3;
const OLDEST_FORMAT = 1;

const count = z.int().nonnegative();
const losses = z.record(z.string(), z.number());

const checkpointSchema = z.object({
  format: z.literal(FORMAT_VERSION),
  /** Everything besides the state that determines the result of the run; null if unknown. */
  run: z.record(z.string(), z.json()).nullable(),
  students: z
    .array(z.string().min(1))
    .min(1)
    .max(64)
    .refine(
      (names) => tensorFiles.namesAreApart(names, '/'),
      'names must differ, and none may begin with another and a slash',
    ),
  /** Updates made so far, by student. */
  optimizerSteps: z.record(z.string(), count),
  seed: z.int(),
  batchSize: z.int().positive(),
  images: z.int().positive(),
  step: count,
  history: z.array(z.object({ epoch: count, losses, heldOut: losses.optional() })),
  lossSums: losses,
});

/** What a run is, as JSON: two runs with the same description and state end in the same detector. */
export type RunDescription = NonNullable<z.infer<typeof checkpointSchema>['run']>;

export interface Checkpoint {
  readonly state: TrainingState;
  /** Null in checkpoints of format 1. */
  readonly run: RunDescription | null;
}

export interface ReadCheckpointOptions {
  /**
   * Description of the run to be resumed. A checkpoint of another run is refused; only the number of steps may
   * differ.
   */
  readonly run?: RunDescription;
  /** Key of the run description in the file, if the file's description contains more than that. */
  readonly runKey?: string;
}

/** The four groups of arrays in a student's state, by the prefix they are stored under. */
function groupsOf(state: StudentState): Record<string, ReadonlyMap<string, ArrayState>> {
  const { parameters, buffers, optimizer } = state;
  return {
    parameters,
    buffers,
    'first-moments': optimizer.firstMoments,
    'second-moments': optimizer.secondMoments,
  };
}

/**
 * Returns a checkpoint as the bytes of one safetensors file.
 * @throws {DskdError} `artifact-invalid`, `weights-not-finite`: only files that can be read are written.
 */
export function writeCheckpoint({ state, run }: Checkpoint): Uint8Array {
  const tensors: StateDict = new Map();
  for (const student of state.students) {
    for (const [group, arrays] of Object.entries(groupsOf(student))) {
      for (const [name, { shape, data }] of arrays) {
        tensors.set(`${student.name}/${group}/${name}`, { dtype: 'F32', shape, data });
      }
    }
  }
  tensorFiles.assertFinite(tensors);
  const { students, ...rest } = state;
  const optimizerSteps = Object.fromEntries(students.map(({ name, optimizer }) => [name, optimizer.step]));
  const description = tensorFiles.checkMetadata(
    checkpointSchema,
    { format: FORMAT_VERSION, run, students: students.map(({ name }) => name), optimizerSteps, ...rest },
    'checkpoint',
  );
  return writeSafetensors(tensors, { [METADATA_KEY]: JSON.stringify(description) });
}

/** @throws {DskdError} `artifact-version`, `artifact-outdated` */
function assertKnownFormat(format: unknown): void {
  if (typeof format !== 'number' || (format >= OLDEST_FORMAT && format <= FORMAT_VERSION)) return;
  throw new DskdError(
    format > FORMAT_VERSION ? 'artifact-version' : 'artifact-outdated',
    `The checkpoint has format ${format}; this version of dskd reads formats ${OLDEST_FORMAT} to ${FORMAT_VERSION}.`,
    {
      hint: 'Resume with the version of dskd that wrote it, or start the training again.',
      details: { got: format, oldest: OLDEST_FORMAT, newest: FORMAT_VERSION },
    },
  );
}

type Unchecked = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Unchecked {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns `record` with some of its keys renamed. Other values are returned unchanged, for the schema to refuse. */
function renamed(record: unknown, names: Readonly<Record<string, string>>): unknown {
  if (!isRecord(record)) return record;
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [names[key] ?? key, value]));
}

/** Converts a run of format 2 to format 3: US spelling, `images` for `pictures`, `stretch` for `squeeze`. */
function runFromFormat2(run: unknown): unknown {
  if (!isRecord(run)) return run;
  const { initialise, branches, settings, resize, augmentation, ...rest } = run;
  return {
    ...rest,
    ...('initialise' in run && { initialize: initialise ?? { global: 'random' } }),
    ...(Array.isArray(branches) && {
      branches: branches.map((branch: unknown) => renamed(branch, { optimiser: 'optimizer' })),
    }),
    ...(settings !== undefined && { settings: renamed(settings, { pictures: 'images' }) }),
    ...(isRecord(resize) && {
      resize: { ...resize, fit: resize.fit === 'squeeze' ? 'stretch' : resize.fit },
    }),
    ...(augmentation !== undefined && {
      augmentation: renamed(augmentation, { colourJitter: 'colorJitter' }),
    }),
  };
}

function fromFormat2({ run, ...description }: Unchecked): Unchecked {
  const names = { optimiserSteps: 'optimizerSteps', pictures: 'images' };
  return { ...(renamed(description, names) as Unchecked), run: runFromFormat2(run), format: 3 };
}

function migrated(parsed: Unchecked): Unchecked {
  assertKnownFormat(parsed.format);
  if (parsed.format === 1) return fromFormat2({ ...parsed, run: null });
  return parsed.format === 2 ? fromFormat2(parsed) : parsed;
}

/**
 * Reads a file of {@link writeCheckpoint}, also of formats 1 and 2.
 * @throws {DskdError} `weights-invalid` (not safetensors, or truncated), `artifact-invalid` (no description or an
 * invalid one), `artifact-version`, `artifact-outdated`, `weights-mismatch` (additional tensors, or tensors of
 * another type), `weights-not-finite`; for a checkpoint of another run than `run` `input-size-mismatch`, or
 * `invalid-argument` naming everything that differs. `trainStudents` checks whether the state matches its students.
 */
export function readCheckpoint(
  bytes: Uint8Array,
  { run: now, runKey }: ReadCheckpointOptions = {},
): Checkpoint {
  const { tensors, metadata } = readSafetensors(bytes);
  const text = metadata[METADATA_KEY];
  if (text === undefined) {
    throw new DskdError('artifact-invalid', 'The file is safetensors, but not a dskd checkpoint.', {
      hint: 'Pass the bytes that writeCheckpoint returned.',
      details: { wanted: 'checkpoint' },
    });
  }
  const { students, optimizerSteps, run, ...description } = tensorFiles.checkMetadata(
    checkpointSchema,
    text,
    'checkpoint',
    migrated,
  );
  tensorFiles.assertFinite(tensors);

  const used = new Set<string>();
  const arraysOf = (prefix: string): Map<string, ArrayState> => {
    const arrays = new Map<string, ArrayState>();
    for (const [name, { dtype, shape, data }] of tensors) {
      if (!name.startsWith(prefix) || dtype !== 'F32') continue;
      used.add(name);
      arrays.set(name.slice(prefix.length), { shape, data: data as Float32Array });
    }
    return arrays;
  };
  const states = students.map((name): StudentState => {
    const step = Object.hasOwn(optimizerSteps, name) ? optimizerSteps[name] : undefined;
    if (step === undefined) {
      throw new DskdError('artifact-invalid', `The checkpoint lacks the optimizer's steps of '${name}'.`);
    }
    return {
      name,
      parameters: arraysOf(`${name}/parameters/`),
      buffers: arraysOf(`${name}/buffers/`),
      optimizer: {
        step,
        firstMoments: arraysOf(`${name}/first-moments/`),
        secondMoments: arraysOf(`${name}/second-moments/`),
      },
    };
  });
  const extra = [...tensors.keys()].filter((name) => !used.has(name));
  if (extra.length > 0) {
    throw new DskdError(
      'weights-mismatch',
      `The checkpoint holds tensors that belong to no student, or are not F32: ${tensorFiles.namesInWords(extra)}.`,
      { details: { tensors: extra } },
    );
  }
  const { seed, batchSize, images, step, history, lossSums } = description;
  if (now) assertSameRun(runKey === undefined ? run : partOf(run, runKey), now);
  return { run, state: { seed, batchSize, images, step, history, lossSums, students: states } };
}

function partOf(run: RunDescription | null, key: string): RunDescription | null {
  const part = run?.[key];
  return isRecord(part) ? part : null;
}

/**
 * Checks that a checkpoint of `run` belongs to the run described by `now`. The number of steps may differ.
 * @throws {DskdError} `input-size-mismatch`; `invalid-argument` naming everything else that differs.
 */
function assertSameRun(run: RunDescription | null, now: RunDescription): void {
  if (!run) return;
  const written = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));
  const differing = [...new Set([...Object.keys(run), ...Object.keys(now)])].filter(
    (key) => written(run[key]) !== written(now[key]),
  );
  if (differing.includes('inputSize')) {
    throw new DskdError(
      'input-size-mismatch',
      `The checkpoint is of a run with images of ${written(run.inputSize)} pixels, now ${written(now.inputSize)}.`,
      {
        hint: 'A student belongs to one input size: resume with that of the checkpoint, or start the training again.',
        details: { got: now.inputSize, wanted: run.inputSize },
      },
    );
  }
  if (differing.length === 0) return;
  throw new DskdError(
    'invalid-argument',
    `The checkpoint is of another run; these differ: ${differing.join(', ')}.`,
    {
      hint: 'Resume with the options and images that the checkpoint was made with, or start the training again.',
      details: Object.fromEntries(differing.map((key) => [key, { checkpoint: run[key], now: now[key] }])),
    },
  );
}
