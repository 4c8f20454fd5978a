import { z } from 'zod';
import { namesAreApart } from './branch-names.js';

/** The artifact format this version writes. Older ones are brought to it by `artifact-migrations.ts`. */
export const FORMAT_VERSION = 3;

// Limits far above anything that can be run: a file nobody vouches for must not make us plan for hours.
const side = z.int().positive().max(16_384);
const channels = z.int().positive().max(1_048_576);
const few = z.int().nonnegative().max(1000);
const size = z.tuple([side, side]);
const byte = z.int().min(0).max(255);
const triple = z.tuple([z.number(), z.number(), z.number()]);
const positiveTriple = z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]);
const json = z.record(z.string(), z.json());

const levelSchema = z.object({ name: z.string(), channels, stride: z.int().positive().max(16_384) });
const levels = z.array(levelSchema).min(1).max(16);
const gccbSchema = z.object({
  variant: z.enum(['full', 'depthwise', 'pool', 'pyramid', 'none']),
  channels,
});

/** `StudentOptions` of @dskd/models. Fields it may gain are kept; these are checked. */
const studentSchema = z
  .object({
    preset: z.string(),
    branch: z.enum(['local', 'global']),
    levels,
    inputSize: size,
    mapSizes: z.array(size).max(16).optional(),
    seed: z.int().optional(),
    gccb: gccbSchema.partial().optional(),
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
        gccb: gccbSchema,
      })
      .partial()
      .catchall(z.json())
      .optional(),
  })
  .catchall(z.json());

const branchSchema = z.object({
  name: z.string().min(1),
  /** What `createStudent` of @dskd/models is given. */
  student: studentSchema,
  objective: z.object({ name: z.string(), options: json }),
  /**
   * What normalizes the branch's raw map, `(map - offset) / scale`, from all pixels of the raw maps of normal images:
   * their mean and population standard deviation (Eq. 8), or their 0.9 quantile and how far their 0.995 quantile is
   * above it.
   */
  normalization: z.object({ offset: z.number(), scale: z.number().positive() }),
  /** The branch's own image scores of the normal images, in the order of calibration. */
  calibrationScores: z.array(z.number()).min(1),
});

const trainingSchema = z.object({
  /** Names of the branches this run trained. */
  branches: z.array(z.string()).min(1),
  seed: z.int(),
  epochs: z.int(),
  batchSize: z.int(),
  steps: z.int(),
  images: z.int(),
  dataFingerprint: z.string(),
  learningRates: z.record(z.string(), z.number()),
  reestimatedBatchNorm: z.boolean(),
  finalLosses: z.record(z.string(), z.number()),
  /** How training images were varied (`Augmentation` of @dskd/data), or null. */
  augmentation: json.nullable(),
  /** The resolved options that decide the result: no paths, no wall clock, no host name. */
  options: json,
  backend: z.string(),
  versions: z.record(z.string(), z.string()),
});

export const descriptionSchema = z.object({
  format: z.literal(FORMAT_VERSION),
  teacher: z.object({
    name: z.string(),
    /** SHA-256 of the weight file the teacher came from, hexadecimal. */
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    /** Whether the file holds the teacher's tensors. */
    embedded: z.boolean(),
    levels,
    inputTransform: z.object({
      channelOrder: z.enum(['rgb', 'bgr']),
      scale: z.number(),
      mean: triple,
      standardDeviation: positiveTriple,
    }),
  }),
  /** `[height, width]` in pixels. */
  inputSize: size,
  /** How an image becomes `inputSize`. */
  resize: z.object({
    /** `stretch`: each side apart. `letterbox`: the sides' ratio is kept, the rest is filled. */
    fit: z.enum(['stretch', 'letterbox']),
    /** Pillow's antialiased bilinear filter in two 8-bit passes. */
    filter: z.literal('bilinear-antialiased'),
    /** RGB bytes of what a letterbox adds, or null where nothing is added. */
    fill: z.tuple([byte, byte, byte]).nullable(),
  }),
  /** Element type of the students' filters in the file; vectors and the teacher keep their own. */
  storage: z.enum(['float32', 'float16']),
  /** Whether the tensor `ignored` (U8 `inputSize`, 1 does not count) takes pixels out of every score. */
  ignored: z.boolean(),
  branches: z
    .array(branchSchema)
    .min(1)
    .max(64)
    .refine(
      (branches) =>
        namesAreApart(
          branches.map(({ name }) => name),
          '.',
        ),
      'branch names must differ, and none may begin with another and a dot',
    ),
  fusion: z.object({
    levels: z.literal('sum'),
    alignCorners: z.boolean(),
    sigma: z.number().nonnegative().max(4096),
    /** Which of the two normalized the branches. Files from before there was a choice do not say. */
    normalization: z.enum(['moments', 'quantiles']).default('moments'),
  }),
  calibration: z.object({
    /** Which normal images gave the scores; `given`: images that `recalibrate` was given. */
    images: z.enum(['validation', 'held-out', 'training', 'given']),
    /** Fused image scores of those images. */
    scores: z.array(z.number()).min(1),
  }),
  threshold: z.object({
    /** Anomalous is a score above it. */
    value: z.number(),
    /** The rate of false alarms it was chosen for, or null where it was chosen otherwise. */
    falseAlarmRate: z.number().gt(0).lt(1).nullable(),
    /** Whether there were enough normal images to promise that rate. */
    guaranteed: z.boolean(),
    /** Where images of bad parts chose the value: the highest F1, or the lowest cost of errors. */
    chosenBy: z.enum(['f1-max', 'cost']).optional(),
  }),
  /** One record per run: a detector whose students were trained apart has several. */
  trainings: z.array(trainingSchema).min(1).max(64),
});

/** Everything about a detector but its tensors. JSON, no wall clock, no host name: the same run gives the same text. */
export type DetectorDescription = z.infer<typeof descriptionSchema>;
export type BranchDescription = z.infer<typeof branchSchema>;
export type TrainingRecord = z.infer<typeof trainingSchema>;
