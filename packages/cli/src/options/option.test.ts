import {
  boolean,
  choice,
  commaSeparated,
  flagOf,
  fraction,
  inputSize,
  integer,
  number,
  option,
  OptionType,
  positiveInteger,
  text,
  texts,
  wholeNumber,
} from './option.js';

const parse = <Given, Value>(type: OptionType<Given, Value>, given: unknown): Value | undefined =>
  option(type, 'an option').parse(given);

test.each([
  ['boolean', boolean(), [true, false], ['true', 1, null]],
  ['text', text(), ['a'], ['', 1, ['a'], null]],
  ['a choice', choice('a', 'b'), ['a', 'b'], ['c', '', 1]],
  ['a number', number(), [0, -1.5], ['1', NaN, Infinity, true]],
  ['a number with bounds', number({ minimum: 0, maximum: 1 }), [0, 0.5, 1], [-0.1, 1.1]],
  ['a fraction', fraction(), [0.5], [0, 1]],
  ['a positive integer', positiveInteger(), [1, 2 ** 40], [0, 1.5, 2 ** 60, '1']],
  ['a whole number', wholeNumber(), [0], [-1]],
  ['a multiple', integer({ minimum: 32, multipleOf: 16 }), [32, 48], [16, 40]],
  ['texts', texts(), [[], ['a', 'b']], ['a', [''], [1]]],
  ['at least one text', texts({ minItems: 1 }), [['a']], [[]]],
  ['an object', new OptionType({ type: 'object' }), [{ a: 1 }], [[], null, 'a']],
])('%s', (_, type: OptionType<never, unknown>, accepted: unknown[], refused: unknown[]) => {
  for (const value of accepted) expect(parse(type, value)).toEqual(value);
  for (const value of refused) expect(parse(type, value)).toBeUndefined();
});

test('names separated by commas, or a list of names', () => {
  expect(parse(commaSeparated(), 'a, b')).toEqual(['a', 'b']);
  expect(parse(commaSeparated(), ['a', 'b'])).toEqual(['a', 'b']);
  expect(parse(commaSeparated(), ['a,b', 'c'])).toEqual(['a', 'b', 'c']);
  for (const refused of [[], 'a,', ['a,,b']]) expect(parse(commaSeparated(), refused)).toBeUndefined();
});

test('a size is height and width, at least 32 each', () => {
  expect([64, '64', '320x192', [320, 192]].map((given) => parse(inputSize(), given))).toEqual([
    [64, 64],
    [64, 64],
    [320, 192],
    [320, 192],
  ]);
  for (const given of [31, '31', '320x8', '320x', [320], [320, 192, 3], [320, 8], '9'.repeat(20)]) {
    expect(parse(inputSize(), given)).toBeUndefined();
  }
});

test('an option is required unless it is optional or its schema has a default', () => {
  expect(option(text(), 'a').required).toBe(true);
  expect(option(text().optional(), 'a').required).toBe(false);
  expect(option(text().default('x'), 'a')).toMatchObject({
    required: false,
    schema: { type: 'string', default: 'x', description: 'a' },
  });
});

test('the flag of an option', () => {
  expect(['data', 'localLearningRate'].map(flagOf)).toEqual(['--data', '--local-learning-rate']);
});
