import { DskdError } from '@dskd/base';
import { CATEGORIES } from '@dskd/synthetic';
import { z } from 'zod';

/** Results of the paper that can be reproduced as tables: Tables 1 to 6, and Fig. 6. */
export const TABLE_NAMES = ['table1', 'table2', 'table3', 'table4', 'table5', 'table6', 'fig6'] as const;
export type TableName = (typeof TABLE_NAMES)[number];

/** Figures of images and maps: `fig4` for MVTec LOCO AD, `fig5` for the modified MVTec AD. */
export const PANEL_NAMES = ['fig4', 'fig5'] as const;
export type PanelName = (typeof PANEL_NAMES)[number];

/** All names that a config and `dskd reproduce` accept. */
const RESULT_NAMES = [...TABLE_NAMES, ...PANEL_NAMES] as const;

const objective = z.enum(['flattenedCosine', 'perPixelCosine', 'contextualAffinity', 'covarianceAffinity']);
const rate = z.number().positive();
const count = z.int().min(1);
const side = z.int().min(32);

/** The frozen teacher network. */
export const teacherSchema = z.union([
  z.literal('default'),
  z.strictObject({ name: z.string().min(1), weights: z.string().min(1) }),
]);

export type TeacherChoice = z.output<typeof teacherSchema>;

/** All training settings that a grid may vary, each with its default; named as in `dskd train`. */
export const settingsSchema = z.strictObject({
  /** Input size in pixels, or `[height, width]`. */
  size: z.union([side, z.tuple([side, side])]).default(256),
  fit: z.enum(['stretch', 'letterbox']).default('stretch'),
  /** `gcad`: the augmentation of the paper, by category. */
  augment: z.enum(['none', 'gcad']).default('none'),
  /** `default`, or name and weight file of a backbone. */
  teacher: teacherSchema.default('default'),
  preset: z.enum(['nano', 'lite', 'paper']).default('lite'),
  initializeGlobal: z.enum(['random', 'teacher-stage4']).default('random'),
  localObjective: objective.default('flattenedCosine'),
  globalObjective: objective.default('contextualAffinity'),
  /** Temperature of the contextual affinity. */
  temperature: z.number().positive().default(1),
  gccb: z.enum(['full', 'depthwise', 'pool', 'pyramid', 'none']).default('full'),
  /** Channels g of the condensing block. Default: that of the preset. */
  gccbChannels: count.optional(),
  epochs: count.default(10),
  batchSize: count.default(16),
  /** Default: 0.001 for the contextual affinity, 0.005 for other losses, for either student. */
  localLearningRate: rate.optional(),
  globalLearningRate: rate.optional(),
  reestimateBatchNorm: z.boolean().default(false),
  holdOut: z.number().gt(0).lt(1).default(0.1),
  calibrateOnTraining: z.boolean().default(false),
  statisticsOn: z.enum(['calibration', 'training']).default('calibration'),
  /** Sigma of the Gaussian filter of the maps, in input pixels. Default: 4 at 256 px, proportional to the size. */
  sigma: z.number().min(0).optional(),
});

/** Training settings with all defaults filled in. */
export type Settings = z.output<typeof settingsSchema>;
export type SettingName = keyof Settings;

export type ObjectiveName = z.output<typeof objective>;

const syntheticSchema = z.strictObject({
  /** Number of good training images. */
  train: count,
  validation: z.int().min(0),
  /** Number of test images: one third each good, logical and structural. */
  test: count,
  /** Width and height in pixels. */
  size: z.int().min(128).max(1024),
  seed: z.int().min(0).default(7),
  level: z.enum(['standard', 'hard']).default('standard'),
});

/** Options of generated images. */
export type SyntheticData = z.output<typeof syntheticSchema>;

const shape = settingsSchema.shape;
const varied = Object.fromEntries(
  Object.entries(shape).map(([name, schema]) => [name, z.array(schema.unwrap()).min(1).optional()]),
) as { [Name in SettingName]: z.ZodOptional<z.ZodArray<ReturnType<(typeof shape)[Name]['unwrap']>>> };

/** Config of `dskd benchmark`. */
export const benchmarkSchema = z.strictObject({
  name: z.string().min(1).default('benchmark'),
  /** A folder of categories (MVTec LOCO AD, MVTec AD), or options of images to generate. */
  data: z.union([z.string().min(1), z.strictObject({ synthetic: syntheticSchema })]),
  /** For MVTec AD: a list of the images whose anomaly is logical (Table 3). */
  subsets: z.string().min(1).optional(),
  /** Default: all categories. */
  categories: z.array(z.string().min(1)).min(1).optional(),
  seeds: z.array(z.int().min(0)).min(1).default([1]),
  tables: z
    .array(
      z.enum(RESULT_NAMES, {
        error: ({ input }) => `got ${String(input)}, wanted one of ${RESULT_NAMES.join(', ')}`,
      }),
    )
    .min(1),
  /**
   * Methods beside the paper's two students, which get rows in Tables 1 to 3: names, or all that are registered. They take the
   * settings of images and calibration; the rest is their profile's.
   */
  methods: z.union([z.literal('all'), z.array(z.string().min(1))]).default([]),
  /** Whether Tables 1 to 3 have the rows of the paper's students, too, which train for minutes. */
  students: z.boolean().default(true),
  /** Options of these methods. A method without this profile takes `lite`. */
  profile: z.enum(['paper', 'lite']).default('lite'),
  settings: settingsSchema.prefault({}),
  /** Lists of values by setting. Every combination is trained and gives its own tables. */
  vary: z.strictObject(varied).default({}),
  /** Folder of the students and results. */
  results: z.string().min(1).optional(),
  /** Maximum number of concurrent trainings. Default: one per core. */
  processes: count.optional(),
});

export type BenchmarkConfig = z.output<typeof benchmarkSchema>;
export type BenchmarkInput = z.input<typeof benchmarkSchema>;

/** One problem of a config. */
export interface ConfigProblem {
  /** Keys and indices of the position in the config. */
  readonly path: readonly (string | number)[];
  readonly problem: string;
}

const dotted = (path: readonly (string | number)[]): string => path.join('.') || 'the config';

/** Hint for errors. */
const CONFIG_EXAMPLE = 'See bench/synthetic-grid.yaml in the repository for an example.';

/**
 * Checks a config and fills in defaults.
 * @param placeOf describes a position in the user's file. Default: the keys, joined by dots.
 * @throws {DskdError} `invalid-config` with all problems, each with its key.
 */
export function parseConfig(
  input: unknown,
  placeOf: (path: readonly (string | number)[]) => string = dotted,
): BenchmarkConfig {
  const parsed = benchmarkSchema.safeParse(input);
  const problems = parsed.success ? unknownCategories(parsed.data) : parsed.error.issues.flatMap(problemsOf);
  if (parsed.success && problems.length === 0) return parsed.data;
  const lines = problems.map(({ path, problem }) => `${placeOf(path)}: ${dotted(path)}: ${problem}`);
  throw new DskdError('invalid-config', `The benchmark's config is invalid:\n  ${lines.join('\n  ')}`, {
    hint: CONFIG_EXAMPLE,
    details: { problems },
  });
}

function problemsOf(issue: z.core.$ZodIssue): ConfigProblem[] {
  const path = issue.path.filter((key) => typeof key !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], problem: 'there is no such key here' }));
  }
  if (issue.code === 'invalid_union') {
    // The union branch whose error is deepest describes the problem best.
    const deepest = issue.errors
      .flat()
      .sort((a, b) => b.path.length - a.path.length)
      .at(0);
    if (deepest && deepest.path.length > 0) {
      return problemsOf({ ...deepest, path: [...issue.path, ...deepest.path] });
    }
  }
  return [{ path, problem: issue.message }];
}

function unknownCategories({ data, categories }: BenchmarkConfig): ConfigProblem[] {
  if (typeof data === 'string') return [];
  const known: string[] = CATEGORIES.map(({ name }) => name);
  return (categories ?? []).flatMap((name, index) =>
    known.includes(name)
      ? []
      : [{ path: ['categories', index], problem: `got ${name}, wanted one of ${known.join(', ')}` }],
  );
}
