import path from 'node:path';
import { isDskdError, type DskdError } from '@dskd/base';
import type { ConfigFile } from './config-file.js';
import {
  boolean,
  choice,
  inputSize,
  number,
  option,
  oneOrSeveral,
  positiveInteger,
  text,
  type OptionValues,
} from './option.js';
import { recordedOptions, resolveOptions, type OptionLayers } from './resolve.js';

const schema = {
  data: option(text(), 'a folder of images', { value: 'dir', path: true }),
  epochs: option(positiveInteger().default(10), 'passes', { recorded: true }),
  gccb: option(choice('full', 'none').default('full'), 'block', { recorded: true }),
  size: option(inputSize().default(256), 'size', { wanted: 'pixels such as 256', recorded: true }),
  sigma: option(number({ minimum: 0 }).optional(), 'filter', { recorded: true }),
  workers: option(boolean().default(true), 'threads'),
  good: option(oneOrSeveral().optional(), 'folders', { path: true, several: true }),
  json: option(boolean().default(false), 'json', { flagOnly: true }),
};

function file(values: Record<string, unknown>): ConfigFile {
  return {
    path: path.join('configs', 'dskd.yaml'),
    values,
    placeIn: () => 'configs/dskd.yaml',
    placeOf: (key, what) =>
      `configs/dskd.yaml:${Object.keys(values).indexOf(key) + 1}:${what === 'key' ? 1 : 9}`,
  };
}

const resolve = (layers: OptionLayers): OptionValues<typeof schema> =>
  resolveOptions('train', schema, layers);

function refusal(layers: OptionLayers): DskdError {
  try {
    resolve(layers);
  } catch (error) {
    if (isDskdError(error)) return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe('precedence', () => {
  const data = 'here';

  test('uses the default if nothing is given', () => {
    expect(resolve({ flags: { data } })).toEqual({
      data,
      epochs: 10,
      gccb: 'full',
      size: [256, 256],
      workers: true,
      json: false,
    });
  });

  test('a preset overrides a default, a file overrides a preset, a flag overrides a file', () => {
    const recipe = { epochs: 200, gccb: 'none', size: 128 };
    expect(resolve({ flags: { data }, recipe })).toMatchObject({
      epochs: 200,
      gccb: 'none',
      size: [128, 128],
    });
    const config = file({ epochs: 3, size: 64 });
    expect(resolve({ flags: { data }, file: config, recipe })).toMatchObject({
      epochs: 3,
      gccb: 'none',
      size: [64, 64],
    });
    expect(resolve({ flags: { data, epochs: 1 }, file: config, recipe })).toMatchObject({
      epochs: 1,
      gccb: 'none',
      size: [64, 64],
    });
  });

  test('a flag can switch on what a file switched off', () => {
    expect(resolve({ flags: { data, workers: true }, file: file({ workers: false }) }).workers).toBe(true);
  });

  test('an overridden wrong value is not an error', () => {
    expect(resolve({ flags: { data, epochs: 2 }, file: file({ epochs: 'many' }) }).epochs).toBe(2);
  });
});

test.each([
  [64, [64, 64]],
  ['64', [64, 64]],
  ['320x192', [320, 192]],
  [
    [320, 192],
    [320, 192],
  ],
])('size %j', (given, wanted) => {
  expect(resolve({ flags: { data: 'x', size: given } }).size).toEqual(wanted);
});

test.each([['large'], [8], ['8'], ['320x8'], ['320x'], [[320]], [-64]])('refuses size %j', (given) => {
  expect(refusal({ flags: { data: 'x', size: given } }).message).toBe(
    `--size: got ${JSON.stringify(given)}, wanted pixels such as 256.`,
  );
});

test('paths in a file are relative to it; those in flags are used as given', () => {
  expect(resolve({ flags: {}, file: file({ data: 'images' }) }).data).toBe(path.resolve('configs', 'images'));
  const lists = file({ data: 'images', good: ['ok', '../fine'] });
  expect(resolve({ flags: {}, file: lists }).good).toEqual(
    ['ok', '../fine'].map((each) => path.resolve('configs', each)),
  );
  const one = file({ data: 'images', good: 'ok' });
  expect(resolve({ flags: {}, file: one }).good).toEqual([path.resolve('configs', 'ok')]);
  expect(resolve({ flags: { data: 'images' } }).data).toBe('images');
});

describe('errors', () => {
  test('a flag: the given value and the accepted values', () => {
    const error = refusal({ flags: { data: 'x', epochs: 0 } });
    expect(error.code).toBe('invalid-argument');
    expect(error.message).toBe('--epochs: got 0, wanted a whole number, 1 or more.');
    expect(error.hint).toContain('dskd train --help-all');
  });

  test('a choice lists the choices', () => {
    expect(refusal({ flags: { data: 'x', gccb: 'half' } }).message).toBe(
      '--gccb: got "half", wanted one of full, none.',
    );
  });

  test('a value in a file: with its position', () => {
    const error = refusal({ flags: { data: 'x' }, file: file({ epochs: 'many', sigma: null }) });
    expect(error.code).toBe('invalid-config');
    expect(error.message).toContain(
      'configs/dskd.yaml:1:9: epochs: got "many", wanted a whole number, 1 or more.',
    );
    expect(error.message).toContain('configs/dskd.yaml:2:9: sigma: got null, wanted a number, 0 or more.');
  });

  test('an unknown option in a file: with its position and the nearest name', () => {
    expect(refusal({ flags: { data: 'x' }, file: file({ epoch: 3 }) }).message).toBe(
      'configs/dskd.yaml:1:1: no option is called epoch; did you mean epochs?',
    );
    expect(refusal({ flags: { data: 'x' }, file: file({ color: 3 }) }).message).toContain('remove it');
    expect(refusal({ flags: { data: 'x' }, file: file({ json: true }) }).message).toContain('--json');
  });

  test('reports all problems at once, including missing options', () => {
    const error = refusal({ flags: { epochs: 1.5 }, file: file({ gcbb: 'full' }) });
    expect(error.message.split('\n')).toEqual([
      '3 options are invalid:',
      '  configs/dskd.yaml:1:1: no option is called gcbb; did you mean gccb?',
      '  --data <dir> is missing: a folder of images.',
      '  --epochs: got 1.5, wanted a whole number, 1 or more.',
    ]);
    expect(error.details.problems).toHaveLength(3);
    expect(error.details.problems).toContainEqual(
      expect.objectContaining({ option: 'epochs', where: '--epochs', got: 1.5 }),
    );
  });
});

test('records options that determine the result, but no paths and no execution options', () => {
  const resolved = resolve({ flags: { data: 'secret/place', workers: false, epochs: 3 } });
  expect(recordedOptions(schema, resolved)).toEqual({ epochs: 3, gccb: 'full', size: [256, 256] });
});
