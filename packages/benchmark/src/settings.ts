import { z } from 'zod';

const objective = z.enum(['flattenedCosine', 'perPixelCosine', 'contextualAffinity', 'covarianceAffinity']);
const rate = z.number().positive();
const count = z.int().min(1);
const side = z.int().min(32);

/** Which frozen network is learned from. */
export const teacherSchema = z.union([
  z.literal('default'),
  z.strictObject({ name: z.string().min(1), weights: z.string().min(1) }),
]);

export type TeacherChoice = z.output<typeof teacherSchema>;

/** Everything about a training that a grid may vary, each with its default: names as `dskd train` has them. */
export const settingsSchema = z.strictObject({
  /** Input size in pixels, or `[height, width]`. */
  size: z.union([side, z.tuple([side, side])]).default(256),
  fit: z.enum(['stretch', 'letterbox']).default('stretch'),
  /** `gcad`: the paper's augmentations, by category. */
  augment: z.enum(['none', 'gcad']).default('none'),
  /** `default`, or a backbone's name and weight file. */
  teacher: teacherSchema.default('default'),
  preset: z.enum(['nano', 'lite', 'paper']).default('lite'),
  initializeGlobal: z.enum(['random', 'teacher-stage4']).default('random'),
  localObjective: objective.default('flattenedCosine'),
  globalObjective: objective.default('contextualAffinity'),
  /** Of the contextual affinity. */
  temperature: z.number().positive().default(1),
  gccb: z.enum(['full', 'depthwise', 'pool', 'pyramid', 'none']).default('full'),
  /** g. Default: the preset's. */
  gccbChannels: count.optional(),
  epochs: count.default(10),
  batchSize: count.default(16),
  /** Default: 0.001 for the contextual affinity, 0.005 for the others, whichever student learns by it. */
  localLearningRate: rate.optional(),
  globalLearningRate: rate.optional(),
  reestimateBatchNorm: z.boolean().default(false),
  holdOut: z.number().gt(0).lt(1).default(0.1),
  calibrateOnTraining: z.boolean().default(false),
  statisticsOn: z.enum(['calibration', 'training']).default('calibration'),
  /** Gaussian filter of the maps in input pixels. Default: 4 at 256 px, in proportion. */
  sigma: z.number().min(0).optional(),
});

/** A training's settings, all decided. */
export type Settings = z.output<typeof settingsSchema>;
/** Settings as a user gives them. */
export type SettingsInput = z.input<typeof settingsSchema>;
export type SettingName = keyof Settings;

export type ObjectiveName = z.output<typeof objective>;
