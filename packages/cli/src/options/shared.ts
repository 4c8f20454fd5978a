import { boolean, choice, commaSeparated, option, oneOrSeveral, text, type Option } from './option.js';

/** Options that several commands share. */

/** The options of every command. */
export const outputOptions = (
  json: string,
): { readonly json: Option<boolean>; readonly debug: Option<boolean> } => ({
  json: option(boolean().default(false), json, { main: true, flagOnly: true }),
  debug: option(boolean().default(false), 'show the stack of an error', { flagOnly: true }),
});

export const configOption = option(
  text().optional(),
  'take options from this YAML file (dskd init writes one)',
  { main: true, value: 'file', flagOnly: true },
);

export const backendOption = option(
  choice('auto', 'webgpu', 'wasm', 'cpu', 'node', 'node-gpu').default('wasm'),
  'TensorFlow.js backend: auto takes a hardware GPU, else wasm',
  { value: 'name', group: 'Running' },
);

export const teacherWeightsOption = option(
  text().optional(),
  'weight file of the teacher, for a model that does not contain it',
  { group: 'Teacher', value: 'file', path: true, example: 'teacher.safetensors' },
);

export const categoryOption = option(
  text().optional(),
  'folder inside --data; of a manifest, the value in its column object',
  {
    main: true,
    group: 'Data',
    value: 'name',
    example: 'bottle',
  },
);

const OF_FOLDERS = { group: 'Data', value: 'dir', path: true, several: true, wanted: 'folders' } as const;

/** Images in a layout that is recognized, or in folders of which the user says what they contain. */
export const dataOptions = (
  data: string,
): {
  readonly data: Option<string | undefined>;
  readonly category: Option<string | undefined>;
} & typeof folderOptions => ({
  data: option(text().optional(), data, {
    main: true,
    group: 'Data',
    value: 'dir',
    path: true,
    example: 'images',
  }),
  category: categoryOption,
  ...folderOptions,
});

/** Folders of which the user says what they contain. */
export const folderOptions = {
  good: option(oneOrSeveral().optional(), 'instead of a layout: folders of images of good parts, anywhere', {
    ...OF_FOLDERS,
    main: true,
    example: 'images/ok',
  }),
  bad: option(oneOrSeveral().optional(), 'folders of images of bad parts, with --good', {
    ...OF_FOLDERS,
    main: true,
    example: 'images/ko',
  }),
  masks: option(
    oneOrSeveral().optional(),
    'folders of the masks of --bad, with the same subfolders and names (7.png or 7_mask.png)',
    { ...OF_FOLDERS, main: true, example: 'images/masks' },
  ),
};

export const ignoreMaskOption = option(
  text().optional(),
  'a mask image: pixels where it is not black are ignored',
  { group: 'Data', value: 'file', path: true, example: 'ignore.png' },
);

export const reportOption = option(
  text().optional(),
  'write a report: one HTML file with curves, tables and images',
  { main: true, group: 'Result', value: 'file', path: true, example: 'report.html' },
);

export const pluginOption = option(
  commaSeparated().optional(),
  'package to load first, e.g. one that registers a method, found from the working folder; repeatable',
  {
    group: 'Running',
    value: 'package',
    wanted: 'names of packages',
    example: 'my-dskd-method',
    repeatable: true,
  },
);

/** Where a queue is. Its password may be in the environment: DSKD_REDIS_PASSWORD. */
export const redisOption = (description: string): Option<string | undefined> =>
  option(text().optional(), `${description}: redis://HOST:PORT`, {
    main: true,
    value: 'url',
    flagOnly: true,
  });

/** Name of the embedded teacher, which needs no weight file. */
export const TEACHER_TINY = 'teacher-tiny';

/** First argument of the commands that work on a model. */
export const MODEL_ARGUMENT = ['<model>', 'a file that dskd train wrote'] as const;
