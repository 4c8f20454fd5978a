import { z } from 'zod';
import { option, text } from './option.js';
import { outputOptions } from './shared.js';

/** What `dskd info` can be told. */
export const infoOptions = z.strictObject(outputOptions('the whole description as one line of JSON'));

export type InfoOptions = z.output<typeof infoOptions>;

/** What `dskd doctor` can be told. */
export const doctorOptions = z.strictObject(outputOptions('as one line of JSON'));

export type DoctorOptions = z.output<typeof doctorOptions>;

/** What `dskd init` can be told. */
export const initOptions = z.strictObject({
  out: option(text().default('dskd.yaml'), 'where the config file goes', { main: true, value: 'file' }),
  schema: option(text().optional(), 'write the JSON Schema of the config file too, for editors', {
    main: true,
    value: 'file',
  }),
  force: option(z.boolean().default(false), 'replace files that exist', { main: true, flagOnly: true }),
  ...outputOptions('what was written as one line of JSON'),
});

export type InitOptions = z.output<typeof initOptions>;
