import { z } from 'zod';
import { option, text } from './option.js';

/** Options that several commands have, each described once. */
const json = (what: string): z.ZodDefault<z.ZodBoolean> =>
  option(z.boolean().default(false), what, { main: true, flagOnly: true });

const debug = option(z.boolean().default(false), 'show where an error came from', { flagOnly: true });

/** Of every command. */
export const outputOptions = (what: string): { json: ReturnType<typeof json>; debug: typeof debug } => ({
  json: json(what),
  debug,
});

export const configOption = option(
  text().optional(),
  'take options from this YAML file (dskd init writes one)',
  {
    main: true,
    value: 'file',
    flagOnly: true,
  },
);

export const backendOption = option(
  z.enum(['auto', 'webgpu', 'wasm', 'cpu', 'node', 'node-gpu']).default('wasm'),
  'what computes: auto takes a hardware GPU, else wasm',
  { value: 'name', group: 'Running' },
);

export const teacherWeightsOption = option(
  text().optional(),
  'the teacher, where the model does not hold it',
  {
    group: 'Teacher',
    value: 'file',
    path: true,
    example: 'teacher.safetensors',
  },
);

export const categoryOption = option(text().optional(), 'folder inside --data', {
  main: true,
  group: 'Data',
  value: 'name',
  example: 'bottle',
});

export const ignoreMaskOption = option(
  text().optional(),
  'an image that is not black where pixels do not count',
  { group: 'Data', value: 'file', path: true, example: 'ignore.png' },
);

export const reportOption = option(
  text().optional(),
  'write a page for people: one HTML file with curves, tables and images',
  { main: true, group: 'Result', value: 'file', path: true, example: 'report.html' },
);

/** The teacher that is embedded: no file is needed for it. */
export const TEACHER_TINY = 'teacher-tiny';

/** The first argument of what works on a model. */
export const MODEL_ARGUMENT = ['<model>', 'a file that dskd train wrote'] as const;
