import { readStateDict, writeSafetensors } from './index.js';
import { refusalOf } from './refusal.test.util.js';
import { readFixture } from './fixtures.test.util.js';
import {
  dict,
  integer,
  list,
  none,
  storage,
  tensor,
  text,
  type Ops,
} from './torch/pickle-writer.test.util.js';
import { floats, torchZip } from './torch/torch-writer.test.util.js';

const weight = tensor(storage('torch.FloatStorage', '0', 1), { shape: [1] });
const file = (root: Ops) => torchZip(root, { 0: floats(5) });
const namesOf = (root: Ops, unwrap?: boolean | string) => [
  ...readStateDict(file(root), unwrap === undefined ? {} : { unwrap }).keys(),
];

describe('a checkpoint', () => {
  test('is refused by default, with its contents and the option that reads it', () => {
    const { message, hint, details } = refusalOf(readFixture('checkpoint.pth'));
    expect(message).toBe(
      'Not a valid state dict: besides 0 tensors it contains "epoch" (a number), "best" (a number), "arch" (a string), ' +
        '"args" (a dict of 4), "state_dict" (a dict of 7), "optimizer" (a dict of 2), "scheduler" (a dict of 8).',
    );
    expect(hint).toBe("Pass unwrap: true to read the tensors in 'state_dict'.");
    expect(details.entries).toContain('state_dict');
  });

  test.each(['state_dict', 'model_state_dict', 'model'])("'%s' is unwrapped if unwrap is true", (wrapper) => {
    const root = dict({ epoch: integer(3), [wrapper]: dict({ a: weight }) });
    expect(refusalOf(file(root)).hint).toContain(`'${wrapper}'`);
    expect(namesOf(root, true)).toEqual(['a']);
  });

  test('an entry with another name is in the hint, and is read by its name', () => {
    const root = dict({ epoch: integer(3), ema: dict({ a: weight }) });
    for (const unwrap of [false, true]) {
      expect(refusalOf(file(root), { unwrap }).hint).toBe('Pass unwrap: "ema" to read the tensors in it.');
    }
    expect(namesOf(root, 'ema')).toEqual(['a']);
    const { message } = refusalOf(file(root), { unwrap: 'emma' });
    expect(message).toBe(
      'Not a valid checkpoint: it has no entry "emma"; it contains "epoch" (a number), "ema" (a dict of 1).',
    );
  });

  test('nested wrappers, and two wrappers at the same level', () => {
    expect(namesOf(dict({ model: dict({ state_dict: dict({ a: weight }) }) }), true)).toEqual(['a']);
    const two = dict({ model: dict({ a: weight }), state_dict: dict({ b: weight }) });
    expect(refusalOf(file(two), { unwrap: true }).message).toMatch(
      /several state dicts: "state_dict".*"model"/,
    );
    expect(namesOf(two, 'model')).toEqual(['a']);
  });

  test('entries of a state dict that are not tensors are in the message', () => {
    const root = dict({ a: weight, extra: none, list: list(integer(1)), note: text('x') });
    for (const unwrap of [false, true]) {
      expect(refusalOf(file(root), { unwrap }).message).toBe(
        'Not a valid state dict: besides 1 tensor it contains "extra" (None), "list" (a list of 1), "note" (a string).',
      );
    }
    const numbered = [0x7d, ...integer(1), ...weight, 0x73];
    expect(refusalOf(file(numbered)).message).toContain('"1" (a tensor [1])');
  });

  test('a file without a dict', () => {
    expect(refusalOf(file(weight)).message).toMatch(/contains a tensor \[1\]; expected a dict of tensors/);
    expect(refusalOf(file(integer(1)), { unwrap: 'x' }).message).toMatch(/it contains a number/);
  });
});

describe('prefixes', () => {
  test('are removed if unwrap is true and all names have them, also nested ones', () => {
    const root = dict({ 'module._orig_mod.a': weight, 'module._orig_mod.b': weight });
    expect(namesOf(root)).toEqual(['module._orig_mod.a', 'module._orig_mod.b']);
    expect(namesOf(root, true)).toEqual(['a', 'b']);
    expect(namesOf(dict({ 'module.a': weight, b: weight }), true)).toEqual(['module.a', 'b']);
    expect(namesOf(dict({}), true)).toEqual([]);
  });

  test('are removed in other formats as well', () => {
    const bytes = writeSafetensors(
      new Map([['module.a', { dtype: 'U8', shape: [0], data: new Uint8Array(0) }]]),
    );
    expect([...readStateDict(bytes).keys()]).toEqual(['module.a']);
    expect([...readStateDict(bytes, { unwrap: true }).keys()]).toEqual(['a']);
  });
});
