import { z } from 'zod';
import { option, positiveInteger, text, wholeNumber } from './option.js';
import { outputOptions } from './shared.js';

/** What `dskd synth` can be told. */
export const synthOptions = z.strictObject({
  category: option(z.enum(['tray', 'box', 'bag', 'harness', 'flask']).default('tray'), 'what is drawn', {
    main: true,
    value: 'name',
  }),
  size: option(z.int().min(128).max(1024).default(256), 'width and height, 128 to 1024', {
    main: true,
    value: 'pixels',
  }),
  train: option(positiveInteger().default(100), 'good images to train on', { main: true, value: 'n' }),
  validation: option(wholeNumber().default(20), 'good images to calibrate on', { main: true, value: 'n' }),
  test: option(wholeNumber().default(60), 'test images: a third each good, logical, structural', {
    main: true,
    value: 'n',
  }),
  seed: option(wholeNumber().default(7), 'the same seed draws the same images everywhere', {
    main: true,
    value: 'n',
  }),
  level: option(z.enum(['standard', 'hard']).default('standard'), 'hard: smaller and fainter defects', {
    main: true,
    value: 'name',
  }),
  preview: option(text().optional(), 'also draw a sheet of all kinds of anomalies (.png)', {
    main: true,
    value: 'file',
  }),
  force: option(z.boolean().default(false), 'replace what an earlier dskd synth wrote', {
    main: true,
    flagOnly: true,
  }),
  ...outputOptions('what was written as one line of JSON'),
});

export type SynthOptions = z.output<typeof synthOptions>;
