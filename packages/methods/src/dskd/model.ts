import { DskdError, isDskdError } from '@dskd/base';
import type { Objective } from '@dskd/core';
import { createObjective } from '@dskd/losses';
import { createStudent, summarizeStudent, type StudentOptions, type TrainableStudent } from '@dskd/models';
import { fuseLevels } from '@dskd/scoring';
import { tensorFiles, type StateDict } from '@dskd/weights';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { AnomalyModel, BranchInfo, BranchOutput, RestoreContext, SavedModel } from '../contract.js';
import { assertInputSize } from '../input-size.js';
import type { BranchPlan } from './plan.js';

// Limits far above anything that can be run: a file of unknown origin must not make us allocate for hours.
const side = z.int().positive().max(16_384);
const channels = z.int().positive().max(1_048_576);
const few = z.int().nonnegative().max(1000);
const size = z.tuple([side, side]);
const levels = z
  .array(z.object({ name: z.string(), channels, stride: z.int().positive().max(16_384) }))
  .min(1)
  .max(16);
const gccb = z.object({
  variant: z.enum(['full', 'depthwise', 'pool', 'pyramid', 'none']),
  channels,
});

/** `StudentOptions` of @dskd/models. Fields it may gain are kept; these are checked. */
const student = z
  .object({
    preset: z.string(),
    branch: z.enum(['local', 'global']),
    levels,
    inputSize: size,
    mapSizes: z.array(size).max(16).optional(),
    seed: z.int().optional(),
    gccb: gccb.partial().optional(),
    architecture: z
      .object({
        block: z.enum(['basic', 'bottleneck']),
        innerRatio: z.number().positive().max(64),
        decoderWidths: z.array(channels).max(16),
        decoderBlocks: z.array(few).max(16),
        heads: z.boolean(),
        fusionWidths: z.array(channels).max(16),
        phiChannels: channels,
        bottleneckBlocks: few,
        gccb,
      })
      .partial()
      .catchall(z.json())
      .optional(),
  })
  .catchall(z.json());

/** What an artifact keeps of the method `dskd` besides tensors. */
export const configSchema = z.object({
  branches: z
    .array(
      z.object({
        name: z.string().min(1),
        /** What `createStudent` of @dskd/models is given. */
        student,
        objective: z.object({ name: z.string(), options: z.record(z.string(), z.json()) }),
      }),
    )
    .min(1)
    .max(64)
    .refine(
      (branches) =>
        tensorFiles.namesAreApart(
          branches.map(({ name }) => name),
          '.',
        ),
      'branch names must differ, and none may begin with another and a dot',
    ),
  /** How the maps of a branch's levels become one: each brought to the input size, then added. */
  levels: z.object({ fusion: z.literal('sum'), alignCorners: z.boolean() }),
});

export type DskdConfig = z.output<typeof configSchema>;
type BranchConfig = DskdConfig['branches'][number];

/** A trained student with its objective, and its weights as they were trained or read. */
interface Branch {
  readonly name: string;
  readonly student: TrainableStudent;
  readonly objective: Objective;
  readonly state: StateDict;
}

/** Students of one teacher; each branch's map is the sum over levels of its objective's maps. */
export class DskdModel implements AnomalyModel {
  readonly branches: readonly BranchInfo[];
  readonly #branches: readonly Branch[];

  /** The model disposes the students of `branches`, and never the teacher. */
  constructor(
    readonly method: string,
    private readonly config: DskdConfig,
    private readonly context: Required<RestoreContext>,
    branches: readonly Branch[],
  ) {
    this.branches = branches.map(({ name }) => ({ name, map: true }));
    this.#branches = branches;
  }

  score(images: tf.Tensor4D): Promise<BranchOutput[]> {
    return this.scoreTensors(images);
  }

  async scoreTensors(images: tf.Tensor4D): Promise<{ name: string; map: tf.Tensor3D }[]> {
    const [, height, width] = images.shape;
    const features = await this.context.teacher.extractor.extract(images);
    const { alignCorners } = this.config.levels;
    const outputs: { name: string; map: tf.Tensor3D }[] = [];
    try {
      for (const { name, student, objective } of this.#branches) {
        const map = tf.tidy(() => {
          const predictions = student.forward(features, { training: false });
          return fuseLevels(objective.map(features, predictions), [height, width], { alignCorners });
        });
        outputs.push({ name, map });
      }
      return outputs;
    } catch (error) {
      tf.dispose(outputs.map(({ map }) => map));
      throw error;
    } finally {
      tf.dispose(features);
    }
  }

  state(): SavedModel {
    const tensors: StateDict = new Map();
    for (const { name, state } of this.#branches) {
      for (const [key, entry] of state) tensors.set(`${name}.${key}`, entry);
    }
    return { config: this.config, tensors };
  }

  dispose(): void {
    for (const { student } of this.#branches) student.dispose();
  }
}

/** What an artifact says of a planned branch. */
export function branchConfig({ name, student, objective }: BranchPlan): BranchConfig {
  return JSON.parse(JSON.stringify({ name, student, objective })) as BranchConfig;
}

/** Before anything is allocated: a description can ask for more memory than there is. */
function assertFilled({ name, student }: BranchConfig, state: StateDict): void {
  const { parameters, buffers } = summarizeStudent(student as StudentOptions);
  const wanted = parameters + buffers;
  const got = [...state.values()].reduce((sum, { data }) => sum + data.length, 0);
  if (got >= wanted) return;
  throw new DskdError(
    'weights-mismatch',
    `The student '${name}' has ${wanted} weights by its description; the file holds ${got}.`,
    { details: { branch: name, got, wanted } },
  );
}

/** Refuses a student that does not predict what this teacher gives for the detector's images. */
function assertLevels(
  { config }: TrainableStudent,
  { name }: BranchConfig,
  { inputSize, teacher }: Required<RestoreContext>,
): void {
  const { extractor } = teacher;
  const wanted = extractor.outputShapes(inputSize);
  const got = config.levels.map(({ channels }, level) => [...config.mapSizes[level]!, channels]);
  if (JSON.stringify(got) === JSON.stringify(wanted)) return;
  const written = (shapes: readonly (readonly number[])[]): string =>
    shapes.map((shape) => shape.join('x')).join(', ');
  throw new DskdError(
    'input-size-mismatch',
    `The student '${name}' is made for features ${written(got)}; of images of ${inputSize.join('x')} pixels ` +
      `its teacher ${extractor.name} gives ${written(wanted)}.`,
    { details: { branch: name, got, wanted } },
  );
}

function restoreBranch(branch: BranchConfig, state: StateDict, context: Required<RestoreContext>): Branch {
  const { name, student: options, objective } = branch;
  assertInputSize(`The student '${name}'`, options.inputSize, context.inputSize, { branch: name });
  try {
    assertFilled(branch, state);
    const made = createObjective(objective);
    const student = createStudent(options as StudentOptions, { blank: true });
    try {
      assertLevels(student, branch, context);
      student.loadStateDict(state);
    } catch (error) {
      student.dispose();
      throw error;
    }
    return { name, student, objective: made, state };
  } catch (error) {
    if (isDskdError(error)) throw error;
    throw new DskdError('artifact-invalid', `The student '${name}' cannot be built as it is described.`, {
      cause: error,
    });
  }
}

/**
 * Refuses tensors that belong to no branch, and branches without tensors.
 * @throws {DskdError} `weights-mismatch`
 */
function assertTensorsFit({ branches }: DskdConfig, tensors: StateDict): void {
  const groups = branches.map(({ name }) => `${name}.`);
  const names = [...tensors.keys()];
  const refuse = (message: string, wrong: readonly string[]): never => {
    throw new DskdError('weights-mismatch', `${message}: ${tensorFiles.namesInWords(wrong)}.`, {
      hint: 'The file was put together by something else, or damaged: get it again, or train again.',
      details: { tensors: wrong },
    });
  };
  const extra = names.filter((name) => !groups.some((group) => name.startsWith(group)));
  if (extra.length > 0) refuse('The file holds tensors its description does not speak of', extra);
  const missing = groups.filter((group) => !names.some((name) => name.startsWith(group))).map((g) => `${g}*`);
  if (missing.length > 0) refuse('The file lacks tensors its description speaks of', missing);
  const odd = [...tensors].filter(([, { dtype }]) => dtype !== 'F32' && dtype !== 'F16');
  if (odd.length > 0) {
    refuse(
      'Wanted students stored as F32 or F16; otherwise are',
      odd.map(([name, { dtype }]) => `${name} (${dtype})`),
    );
  }
}

/**
 * Builds the students of a saved model.
 * @throws {DskdError} `artifact-invalid`, `weights-mismatch`, `input-size-mismatch`, `invalid-argument` (no teacher, or
 * an objective that is not registered), `invalid-config`.
 */
export function restoreModel(
  method: string,
  { config, tensors }: SavedModel,
  context: RestoreContext,
): DskdModel {
  const { teacher, inputSize } = context;
  if (!teacher) {
    throw new DskdError(
      'invalid-argument',
      `A model of the method ${method} needs the teacher it was fitted with.`,
    );
  }
  const checked = checkConfig(config);
  assertTensorsFit(checked, tensors);
  const whole = { teacher, inputSize };
  const branches: Branch[] = [];
  try {
    for (const branch of checked.branches) {
      branches.push(restoreBranch(branch, tensorFiles.tensorsUnder(tensors, branch.name), whole));
    }
    return new DskdModel(method, checked, whole, branches);
  } catch (error) {
    for (const { student } of branches) student.dispose();
    throw error;
  }
}

/** Checks a config; its keys come in the order of the schema, so that the same model gives the same file. */
export function checkConfig(config: unknown): DskdConfig {
  return tensorFiles.checkMetadata(configSchema, config, 'detector');
}

/** Joins students that were trained apart: branch after branch, in the order given. */
export function combineModels(models: readonly SavedModel[]): SavedModel {
  const configs = models.map(({ config }) => checkConfig(config));
  const [first] = configs;
  if (configs.some(({ levels }) => JSON.stringify(levels) !== JSON.stringify(first!.levels))) {
    throw new DskdError('invalid-argument', 'The models add the maps of their levels differently.');
  }
  const config: DskdConfig = { ...first!, branches: configs.flatMap(({ branches }) => branches) };
  return {
    config: config,
    tensors: new Map(models.flatMap(({ tensors }) => [...tensors])),
  };
}
