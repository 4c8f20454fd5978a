import { z } from 'zod';
import { option, text } from './option.js';
import { categoryOption, outputOptions } from './shared.js';

/** What `dskd check` can be told. */
export const checkOptions = z.strictObject({
  category: categoryOption,
  thorough: option(z.boolean().default(false), 'decode every image, not only its header', { main: true }),
  manifest: option(text().optional(), 'write what was found as a manifest (.csv or .jsonl)', {
    main: true,
    value: 'file',
    path: true,
    example: 'images.csv',
  }),
  ...outputOptions('the counts and the fingerprint as one line of JSON'),
});

export type CheckOptions = z.output<typeof checkOptions>;
