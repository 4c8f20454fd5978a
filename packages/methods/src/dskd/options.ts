import { DskdError } from '@dskd/base';
import type { StudentArchitecture } from '@dskd/models';
import { tensorFiles } from '@dskd/weights';
import { z } from 'zod';
import { TRAINING_DEFAULTS } from '../defaults.js';
import { earlyStopping } from '../students/early-stopping.js';

const DEFAULTS = TRAINING_DEFAULTS.dskd;

const count = z.int().positive();

const schedule = z.strictObject({
  kind: z.literal('cosine'),
  steps: count,
  warmUpSteps: z.int().nonnegative().optional(),
  plateauSteps: z.int().nonnegative().optional(),
  final: z.number().min(0).max(1).optional(),
});

/** Options of torch.optim.Adam; betas 0.5 and 0.999, epsilon 1e-8 where they are left out. */
const optimizer = z.strictObject({
  learningRate: z.number().positive(),
  beta1: z.number().min(0).lt(1).optional(),
  beta2: z.number().min(0).lt(1).optional(),
  epsilon: z.number().positive().optional(),
  schedule: schedule.optional(),
});

/** An objective by name, as `createObjective` of `@dskd/losses` takes it. */
const objective = z.strictObject({
  name: z.string(),
  options: z.record(z.string(), z.json()).default({}),
});

const branch = z.strictObject({
  /** `local`: a bottleneck of all levels. `global`: of the deepest level only, condensed by the GCCB. */
  branch: z.enum(['local', 'global']),
  objective,
  optimizer,
});

/** One branch: which student, by which objective it learns, how fast. */
export type BranchOptions = z.input<typeof branch>;

const common = {
  /** Size of the students. */
  preset: z.enum(['nano', 'lite', 'paper']).default(DEFAULTS.preset),
  /** Replaces parts of what the preset decides. Checked when the students are planned. */
  architecture: z.custom<Partial<StudentArchitecture>>((value) => typeof value === 'object').optional(),
  /** Passes over the training images. Default: as many as make 400 steps. */
  epochs: count.optional(),
  /**
   * Minutes of training, in place of a number of epochs: it ends with the last epoch that fits, but not before the first.
   * With `epochs` too, whichever comes first. The record in the file has the epochs that were trained: as many give the
   * same students again.
   */
  minutes: z.number().positive().optional(),
  /** Ends the training when images that are kept back say so. Without `epochs` or `minutes`, at the latest after 1,000 steps. */
  earlyStopping,
  batchSize: count.default(DEFAULTS.batchSize),
  /** Re-estimate batch-norm statistics over the training images after training. */
  reestimateBatchNorm: z.boolean().default(DEFAULTS.reestimateBatchNorm),
};

/** Options of the method `dskd`. */
export const dskdOptions = z.strictObject({
  ...common,
  /** Global context condensing block of the global students; the preset's channels where left out. */
  gccb: z
    .strictObject({
      variant: z.enum(['full', 'depthwise', 'pool', 'pyramid', 'none']).optional(),
      channels: count.optional(),
    })
    .optional(),
  /** By name. One alone gives a detector of its own; `combineDetectors` of `@dskd/detector` joins several. */
  branches: z.record(z.string(), branch).default(DEFAULTS.branches),
  /** `teacher-stage4`: the global bottleneck starts from the teacher's stage 4 and is trained on. */
  initialize: z
    .strictObject({ global: z.enum(['random', 'teacher-stage4']).default(DEFAULTS.initializeGlobal) })
    .prefault({}),
});

/** Options of the method `rd`: reverse distillation, the local student alone. */
export const rdOptions = z.strictObject({
  ...common,
  objective: objective.default(DEFAULTS.branches.local.objective),
  optimizer: optimizer.default(DEFAULTS.branches.local.optimizer),
});

export type DskdOptions = z.output<typeof dskdOptions>;
/** Options of the method `dskd` as a user gives them. */
export type DskdOptionsInput = z.input<typeof dskdOptions>;
export type RdOptions = z.output<typeof rdOptions>;

/** The options of `dskd` that train what `rd` trains. */
export function asDskdOptions({ objective, optimizer, ...rest }: RdOptions): DskdOptions {
  return dskdOptions.parse({ ...rest, branches: { local: { branch: 'local', objective, optimizer } } });
}

/** What the paper trained with. */
export function paperOptions(): DskdOptions {
  return dskdOptions.parse(TRAINING_DEFAULTS.paper);
}

/** Where time alone ends a training. */
const MOST_EPOCHS = 100_000;

/**
 * Passes over `images` training images, at most where time or held-out images end them. The default depends on the steps:
 * ten passes over a few images are a handful of steps, after which scores mean nothing.
 */
export function epochsFor(
  {
    epochs,
    minutes,
    earlyStopping,
    batchSize,
  }: Pick<DskdOptions, 'epochs' | 'minutes' | 'earlyStopping' | 'batchSize'>,
  images: number,
): number {
  if (epochs !== undefined) return epochs;
  if (minutes !== undefined) return MOST_EPOCHS;
  const stepsPerEpoch = Math.max(1, Math.floor(images / batchSize));
  const steps = earlyStopping ? DEFAULTS.mostSteps : DEFAULTS.minSteps;
  return Math.ceil(steps / stepsPerEpoch);
}

/**
 * Refuses names that no file could hold, before anything is trained.
 * @throws {DskdError} `invalid-config`
 */
export function assertBranchNames(names: readonly string[]): void {
  const valid =
    names.length > 0 &&
    !names.includes('') &&
    tensorFiles.namesAreApart(names, '.') &&
    tensorFiles.namesAreApart(names, '/');
  if (valid) return;
  throw new DskdError(
    'invalid-config',
    `Got the branches ${names.map((name) => `'${name}'`).join(', ') || 'of no name'}; wanted at least one, with names ` +
      'of which none is empty or begins with another and a dot or a slash.',
    { details: { names } },
  );
}
