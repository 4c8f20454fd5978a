import { FUSION_RULES } from '@dskd/scoring';
import { z } from 'zod';

/** The artifact format this version writes. Older ones are brought to it by `migrations.ts`. */
export const FORMAT_VERSION = 3;

// Limits far above anything that can be run: a file of unknown origin must not make us allocate for hours.
const side = z.int().positive().max(16_384);
const size = z.tuple([side, side]);
/** The longer side of thumbnails, in pixels; the other side may be shorter. */
export const THUMBNAIL_SIDE = { least: 16, most: 256 } as const;
const thumbnailSide = z.int().positive().max(THUMBNAIL_SIDE.most);
const byte = z.int().min(0).max(255);
const sample16 = z.int().min(0).max(65_535);
const triple = z.tuple([z.number(), z.number(), z.number()]);
const positiveTriple = z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]);
const json = z.record(z.string(), z.json());

const level = z.object({
  name: z.string(),
  channels: z.int().positive().max(1_048_576),
  stride: z.int().positive().max(16_384),
});

const teacherSchema = z.object({
  name: z.string(),
  /** SHA-256 of the weight file the teacher came from, hexadecimal. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Whether the file holds the teacher's tensors. */
  embedded: z.boolean(),
  levels: z.array(level).min(1).max(16),
  inputTransform: z.object({
    channelOrder: z.enum(['rgb', 'bgr']),
    scale: z.number(),
    mean: triple,
    standardDeviation: positiveTriple,
  }),
});

const branchSchema = z.object({
  name: z.string().min(1),
  /** Whether the branch gives an anomaly map; one without adds to the image score only. */
  map: z.boolean(),
  /**
   * What normalizes the branch's raw map (or raw image score, where it has no map), `(value - offset) / scale`, from
   * all pixels of the raw maps of normal images: their mean and population standard deviation (Eq. 8), or their 0.9
   * quantile and how far their 0.995 quantile is above it; or from the image scores of those images.
   */
  normalization: z.object({ offset: z.number(), scale: z.number().positive() }),
  /** The branch's own image scores of the normal images, in the order of calibration. */
  calibrationScores: z.array(z.number()).min(1),
});

/** Of each image that was learned, the first 16 digits of the SHA-256 of its pixels as the network sees them. */
const imageHashes = z.array(z.string().regex(/^[0-9a-f]{16}$/)).optional();

const trainingSchema = z.object({
  /** Names of the branches this run trained. */
  branches: z.array(z.string()).min(1),
  seed: z.int(),
  /** How many images were trained on. */
  images: z.int(),
  dataFingerprint: z.string(),
  /** Left out in files of earlier versions. */
  imageHashes,
  /** How training images were varied (`Augmentation` of @dskd/data), or null. */
  augmentation: json.nullable(),
  /** The resolved options that decide the result: no paths, no wall clock, no host name. */
  options: json,
  /** What the method says of its fit: of `dskd` epochs, batch size, steps, learning rates, final losses. */
  fit: json,
  backend: z.string(),
  versions: z.record(z.string(), z.string()),
});

const calibrationSchema = z.object({
  /** Which normal images gave the scores; `given`: images that `recalibrate` was given. */
  images: z.enum(['validation', 'held-out', 'training', 'given', 'altered']),
  /** Fused image scores of those images. */
  scores: z.array(z.number()).min(1),
  /** How many of the scores, the last ones, are those of images of lessons; left out where none is. */
  ofLessons: z.int().positive().optional(),
  /** How many of those images the model has also learned; left out where none is known. No rate is promised then. */
  alsoLearned: z.int().positive().optional(),
});

const thresholdSchema = z.object({
  /** Anomalous is a score above it. */
  value: z.number(),
  /** The rate of false alarms it was chosen for, or null where it was chosen otherwise. */
  falseAlarmRate: z.number().gt(0).lt(1).nullable(),
  /** How sure it was to be that the rate is kept; left out where the rate is promised on average. */
  confidence: z.number().gt(0).lt(1).optional(),
  /** Whether there were enough normal images to promise that rate. */
  guaranteed: z.boolean(),
  /** Where images of bad parts chose the value: the highest F1, or the lowest cost of errors. */
  chosenBy: z.enum(['f1-max', 'cost']).optional(),
});

/** An image that was learned: its id in its source, and its own size in pixels. */
const learnedImageSchema = z.object({
  id: z.string(),
  width: z.int().positive(),
  height: z.int().positive(),
});

/** Most lessons that a detector keeps. */
export const MOST_LESSONS = 64;

/** Good images that were learned after the fit, with what calibration had decided until then. */
const lessonSchema = z.object({
  images: z.array(learnedImageSchema).min(1),
  dataFingerprint: z.string(),
  imageHashes,
  /** What comes back when the lesson is undone. */
  before: z.object({
    branches: z.array(branchSchema).min(1).max(64),
    calibration: calibrationSchema,
    threshold: thresholdSchema,
  }),
});

export const descriptionSchema = z.object({
  format: z.literal(FORMAT_VERSION),
  /** Name of the method (`methodNames` of @dskd/methods); its tensors are called `METHOD.*`. */
  method: z.string().regex(/^[a-z][a-z0-9-]*$/),
  /** The method's own description of its model, which the method checks. */
  config: json,
  /** Null where the method has no teacher. */
  teacher: teacherSchema.nullable(),
  /** `[height, width]` in pixels. */
  inputSize: size,
  /** The tiles of `inputSize` that the method runs on; null where it sees whole images. */
  tiles: z
    .object({ size: z.int().min(32).max(16_384), overlap: z.int().nonnegative().max(16_384) })
    .nullable()
    .default(null),
  /** How an image becomes `inputSize`. */
  resize: z.object({
    /** `stretch`: each side apart. `letterbox`: the sides' ratio is kept, the rest is filled. */
    fit: z.enum(['stretch', 'letterbox']),
    /** Pillow's antialiased bilinear filter in two 8-bit passes. */
    filter: z.literal('bilinear-antialiased'),
    /** RGB bytes of what a letterbox adds, or null where nothing is added. */
    fill: z.tuple([byte, byte, byte]).nullable(),
  }),
  /** Of 16-bit images the stored values that become 0 and 255; left out where their upper 8 bits are taken. */
  intensityRange: z
    .tuple([sample16, sample16])
    .refine(([low, high]) => low < high, 'the first value must be lower')
    .readonly()
    .optional(),
  /** Element type of the model's matrices and filters in the file; vectors and the teacher keep their own. */
  storage: z.enum(['float32', 'float16']),
  /** Whether the tensor `ignored` (U8 `inputSize`, 1 does not count) takes pixels out of every score. */
  ignored: z.boolean(),
  /**
   * RGB bytes that hide the pixels of `ignored` from the network, in training and in use. Left out where nothing is ignored, and in
   * files of earlier versions, whose networks saw these pixels.
   */
  cover: z.tuple([byte, byte, byte]).optional(),
  branches: z
    .array(branchSchema)
    .min(1)
    .max(64)
    .refine(
      (branches) => new Set(branches.map(({ name }) => name)).size === branches.length,
      'branch names must differ',
    ),
  /** How normalized branches become one map: smoothed by a Gaussian of `sigma` input pixels, weighted, then fused. */
  fusion: z.object({
    sigma: z.number().nonnegative().max(4096),
    /** Which rule gave the branches' `normalization`. */
    normalization: z.enum(['moments', 'quantiles', 'image-scores']),
    /** `sum` is Eq. 8 of the paper. A branch without a map joins the image score by the same rule. */
    rule: z.enum(FUSION_RULES).default('sum'),
    /** Factors of branches by name; 1 where it is left out. */
    weights: z.record(z.string(), z.number().nonnegative()).default({}),
  }),
  calibration: calibrationSchema,
  threshold: thresholdSchema,
  /** One record per run: a detector whose branches were trained apart has several. */
  trainings: z.array(trainingSchema).min(1).max(64),
  /** The images of the fit in its order, where the method keeps patches of them. */
  trainingImages: z.array(learnedImageSchema).optional(),
  /**
   * Size in pixels of the tensor `thumbnails` (U8 `[images, height, width, 3]`, RGB), where the file has one: the images
   * of the fit as the network saw them, each once. `trainingImages` repeats them where altered copies were learned.
   */
  thumbnails: z.object({ width: thumbnailSide, height: thumbnailSide }).optional(),
  /** Lessons that were learned after the fit and not undone, the latest last. */
  lessons: z.array(lessonSchema).min(1).max(MOST_LESSONS).optional(),
});

/** Everything about a detector but its tensors. JSON, no wall clock, no host name: the same run gives the same text. */
export type DetectorDescription = z.infer<typeof descriptionSchema>;
export type BranchDescription = z.infer<typeof branchSchema>;
export type TrainingRecord = z.infer<typeof trainingSchema>;
export type LearnedImage = z.infer<typeof learnedImageSchema>;
export type Lesson = z.infer<typeof lessonSchema>;
