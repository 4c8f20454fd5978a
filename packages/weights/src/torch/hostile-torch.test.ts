import { readStateDict } from '../index.js';
import { refusalOf } from '../refusal.test.util.js';
import {
  call,
  dict,
  global,
  integer,
  list,
  no,
  none,
  pickle,
  storage,
  tensor,
  text,
  tuple,
  uint32,
  uint64,
  type Ops,
} from './pickle-writer.test.util.js';
import { LEGACY_HEAD, PAIR, concat, floats, torchLegacy, torchZip } from './torch-writer.test.util.js';

const FLOAT = 'torch.FloatStorage';
const TWO = floats(1, 2);
const of = storage(FLOAT, '0', 2);
const x = (value: Ops): Ops => dict({ x: value });

function repeat(times: number, ...ops: number[]): Uint8Array {
  const bytes = Buffer.alloc(times * ops.length, Uint8Array.from(ops));
  return new Uint8Array(bytes);
}

/** A tensor of a class of its own, as torch 2 writes it. */
function fromType(name: string): Ops {
  return call(
    'torch._tensor._rebuild_from_type_v2',
    global('torch._utils._rebuild_tensor_v2'),
    global(name),
    tuple(of, integer(0), tuple(integer(2)), tuple(integer(1)), no, dict({})),
    dict({}),
  );
}

/** Returns a zip file and a legacy file with the object `root`. */
function bothWays(root: Ops): Uint8Array[] {
  return [torchZip(root, { 0: TWO }), torchLegacy(root, { 0: [2, TWO] })];
}

describe('a pickle can only use names of the list; others stay opaque', () => {
  const names = [
    'os.system',
    'posix.system',
    'builtins.eval',
    'builtins.getattr',
    '__builtin__.exec',
    'subprocess.Popen',
    'torch.load',
    'torch.storage._load_from_bytes',
    'torch._utils.os',
    'torchvision.models.resnet.ResNet',
    'collections.OrderedDict.__init__',
    '__proto__.constructor',
    'numpy.core.multiarray._reconstruct',
  ];
  test.each(names)('%s as a tensor', (name) => {
    const root = x(call(name, text('touch /tmp/owned')));
    for (const file of [torchZip(root), torchLegacy(root)]) {
      const error = refusalOf(file);
      expect(error.message).toContain(`"x" (an object of "${name}")`);
      expect(error.message).toContain('Nothing in it was called');
      expect(error.details).toEqual({ entries: ['x'], globals: [name] });
    }
  });

  test('also with STACK_GLOBAL, and in the header of a legacy file', () => {
    const stackGlobal = [...text('os'), ...text('system'), 0x93, ...tuple(text('id')), 0x52];
    for (const file of [torchZip(stackGlobal), torchLegacy(stackGlobal)])
      expect(refusalOf(file).details).toEqual({ globals: ['os.system'] });
    const head = concat(pickle(call('os.system', text('id'))), ...LEGACY_HEAD);
    expect(refusalOf(head).message).toMatch(/not written by torch.save/);
  });

  test.each([
    ['EXT1', [0x82, 1]],
    ['PERSID', [0x50, 0x61, 0x0a]],
    ['NEXT_BUFFER', [0x97]],
    ['text opcode of protocol 0', [0x49, 0x31, 0x0a]],
    ['unknown opcode', [0xff]],
  ])('opcode: %s', (_, ops) => {
    for (const file of bothWays(ops))
      expect(refusalOf(file).message).toMatch(/opcode 0x[0-9a-f]{2} at byte \d+/);
  });

  test.each([
    'torch.ComplexFloatStorage',
    'torch.ComplexDoubleStorage',
    'torch.QInt8Storage',
    'torch.complex64',
    'torch.quint8',
    'torch.float8_e4m3fn',
  ])('%s is an error with its name', (name) => {
    expect(refusalOf(torchZip(x(global(name)))).message).toMatch(/complex, quantized and 8-bit/);
    expect(refusalOf(torchZip(x(global(name)))).message).toContain(name);
  });
});

describe('invalid arguments', () => {
  const v2 = 'torch._utils._rebuild_tensor_v2';
  const cases: [string, Ops, RegExp][] = [
    ['calls a string', [...text('x'), ...tuple(), 0x52], /calls a value that is not a function/],
    ['calls a class', call('torch.Tensor'), /calls "torch.Tensor"/],
    ['calls without a tuple', [...global('torch.Size'), ...none, 0x52], /without a tuple/],
    ['a tensor without arguments', call(v2), /creates a tensor from invalid/],
    [
      'a tensor of a tensor',
      tensor(tensor(of, { shape: [2] }), { shape: [2] }),
      /creates a tensor from invalid/,
    ],
    ['a shape that is None', call(v2, of, integer(0), none, tuple()), /invalid shape, strides or offset/],
    ['a negative side', tensor(of, { shape: [-1, -2], strides: [1, 1] }), /invalid shape, strides or offset/],
    [
      'a negative stride',
      tensor(of, { offset: 1, shape: [2], strides: [-1] }),
      /invalid shape, strides or offset/,
    ],
    ['a negative offset', tensor(of, { offset: -1, shape: [1] }), /invalid shape, strides or offset/],
    [
      'fewer strides than sides',
      tensor(of, { shape: [2, 1], strides: [1] }),
      /invalid shape, strides or offset/,
    ],
    ['65 sides', tensor(of, { shape: new Array<number>(65).fill(1) }), /invalid shape, strides or offset/],
    [
      'a side that is a string',
      call(v2, of, integer(0), tuple(text('2')), tuple(integer(1))),
      /invalid shape, strides or offset/,
    ],
    ['a view that ends outside its storage', tensor(of, { offset: 1, shape: [2] }), /outside its storage/],
    [
      'a shape that exceeds the memory',
      tensor(of, { shape: [2 ** 40, 2 ** 40, 2 ** 40, 2] }),
      /outside its storage/,
    ],
    [
      'a parameter of a string',
      call('torch._utils._rebuild_parameter', text('x')),
      /creates a parameter from invalid/,
    ],
    ['a dict of numbers', call('collections.OrderedDict', list(integer(1))), /creates a dict from invalid/],
    ['a dict of a number', call('collections.OrderedDict', integer(1)), /creates a dict from invalid/],
    ['a size of a number', call('torch.Size', integer(1)), /creates a shape from invalid/],
    [
      'a storage type as element type',
      call('torch._utils._rebuild_tensor_v3', of, integer(0), tuple(), tuple(), no, none, global(FLOAT)),
      /creates a tensor from invalid/,
    ],
    [
      'no type',
      call('torch._utils._rebuild_tensor_v3', of, integer(0), tuple(), tuple()),
      /creates a tensor from invalid/,
    ],
    ['appends to a number', [...integer(1), ...integer(1), 0x61], /not a list/],
    ['sets items of a list', [...list(), ...integer(1), ...integer(1), 0x73], /not a dict/],
    ['a key without a value', [0x7d, 0x28, ...integer(1), 0x75], /key without/],
    ['attributes of a number', [...integer(1), ...none, 0x62], /has none/],
    ['attributes of a function', [...global('torch.Size'), ...none, 0x62], /has none/],
    ['a global whose name is a number', [...text('os'), ...integer(1), 0x93], /not a string/],
    ['a persistent id that is not a storage', [...text('x'), 0x51], /not a storage/],
    [
      'a persistent id of a module',
      [...tuple(text('module'), text('a'), text('b'), text('c')), 0x51],
      /not a storage/,
    ],
    ['a storage of an element type', storage('torch.float32', '0', 2), /not a storage/],
    ['a storage of -1 elements', storage(FLOAT, '0', -1), /invalid length/],
    ['an integer of 17 bytes', [0x8a, 17, ...new Array<number>(17).fill(1)], /integer of 17/],
    ['text that is not UTF-8', [0x58, ...uint32(1), 0xff], /not UTF-8/],
  ];
  test.each(cases)('%s', (_, ops, message) => {
    for (const file of bothWays(x(ops))) expect(refusalOf(file).message).toMatch(message);
  });

  test('a function that rebuilds itself recursively is not called', () => {
    // args = [rebuild_from_type, Tensor, args, None], with a reference from the memo.
    const name = 'torch._tensor._rebuild_from_type_v2';
    const args = [
      0x5d,
      ...[0x71, 0, 0x28],
      ...global(name),
      ...global('torch.Tensor'),
      ...[0x68, 0],
      ...none,
      0x65,
    ];
    for (const file of bothWays(x([...global(name), ...args, 0x52]))) {
      expect(refusalOf(file).message).toMatch(/with attributes/);
    }
  });
});

describe('objects of unknown classes', () => {
  const bytes = (value: string): number[] => [...new TextEncoder().encode(value)];
  const state = dict({ weight: tensor(of, { shape: [2] }) });
  const cases: [string, Ops][] = [
    ['REDUCE', call('argparse.Namespace', text('x'))],
    ['REDUCE of what a call gave', [...call('builtins.getattr', text('x')), ...tuple(), 0x52]],
    ['NEWOBJ', [...global('pathlib.PosixPath'), ...tuple(text('x')), 0x81]],
    ['NEWOBJ_EX', [...global('a.B'), ...tuple(), ...dict({ x: none }), 0x92]],
    ['NEWOBJ of a known class', [...global('torch.Tensor'), ...tuple(), 0x81]],
    ['INST', [0x28, ...text('x'), 0x69, ...bytes('os\nsystem\n')]],
    ['OBJ', [0x28, ...global('os.system'), ...text('x'), 0x6f]],
    ['a name alone', global('os.system')],
    ['attributes', [...call('a.B'), ...dict({ x: integer(1) }), 0x62]],
    ['an item', [...call('a.B'), ...integer(1), 0x61]],
    ['items', [...call('a.B'), 0x28, ...integer(1), ...integer(2), 0x65]],
    ['items of a set', [...call('a.B'), 0x28, ...integer(1), 0x90]],
    ['an entry', [...call('a.B'), ...text('x'), ...integer(1), 0x73]],
    ['entries', [...call('a.B'), 0x28, ...text('x'), ...integer(1), 0x75]],
    ['a parameter', call('torch._utils._rebuild_parameter', call('a.B'))],
    ['a tensor of an unknown class', fromType('a.Tensor')],
    ['a bytearray', [0x96, ...uint64(3), 1, 2, 3]],
  ];
  test.each(cases)('%s: read beside a state dict, refused in it', (_, ops) => {
    const root = dict({ args: ops, state_dict: state });
    for (const file of bothWays(root)) {
      expect([...readStateDict(file, { unwrap: true })].map(([name, { data }]) => [name, [...data]])).toEqual(
        [['weight', [1, 2]]],
      );
      const { hint, details } = refusalOf(file);
      expect(hint).toBe("Pass unwrap: true to read the tensors in 'state_dict'.");
      expect(details).toMatchObject({ entries: ['args', 'state_dict'], unwrap: true });
    }
    for (const file of bothWays(dict({ x: ops, weight: tensor(of, { shape: [2] }) }))) {
      const { message, hint, details } = refusalOf(file);
      expect(message).toContain('besides 1 tensor it contains "x" (');
      expect(hint).toContain('Save only the state dict');
      expect(details.unwrap).toBeUndefined();
    }
  });

  test.each<[string, Ops]>([
    ['NEWOBJ of a number', [...integer(1), ...tuple(), 0x81]],
    ['OBJ without a class', [0x28, 0x6f]],
  ])('%s is refused', (_, ops) => {
    for (const file of bothWays(x(ops))) expect(refusalOf(file).message).toMatch(/not a class/);
  });

  test('a whole model is refused by the name of its class', () => {
    const model = [...global('torchvision.models.resnet.ResNet'), ...tuple(), 0x81, ...dict({}), 0x62];
    for (const file of [torchZip(model), torchLegacy(model)]) {
      const { message, hint } = refusalOf(file);
      expect(message).toContain('an object of "torchvision.models.resnet.ResNet"');
      expect(hint).toContain('torch.save(model.state_dict()');
    }
  });

  test('names made of two long strings again and again take no more memory than a pickle may', () => {
    const long = text('a'.repeat(2 ** 19));
    const twice = [...long, 0x71, 0];
    const again = repeat(1000, 0x68, 0, 0x68, 0, 0x93, 0x30);
    const started = performance.now();
    const file = torchZip([...twice, ...again]);
    expect(refusalOf(file).message).toMatch(/more objects than any state dict/);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe('wrong lengths', () => {
  test.each([
    ['string', [0x58, ...uint32(0xffffffff)], /string of 4294967295/],
    ['long string', [0x8d, ...uint64(2n ** 63n)], /string of 9223372036854776000/],
    ['string beyond the end', [0x58, ...uint32(100_000)], /ends too early/],
    ['bytes', [0x42, ...uint32(0xffffffff)], /ends too early/],
    ['long bytes', [0x8e, ...uint64(2n ** 63n)], /ends too early/],
    ['integer', [0x8b, ...uint32(0x80000000)], /integer of/],
  ])('%s', (_, ops, message) => {
    for (const file of bothWays(x(ops))) expect(refusalOf(file).message).toMatch(message);
  });

  test('storages whose length differs from the pickle, in both formats', () => {
    expect(refusalOf(torchZip(PAIR, { 0: floats(1) })).message).toMatch(
      /"0" has 4 bytes; its pickle expects 8/,
    );
    expect(refusalOf(torchZip(PAIR, { 0: floats(1, 2, 3) })).message).toMatch(/"0" has 12 bytes/);
    expect(refusalOf(torchLegacy(PAIR, { 0: [1, floats(1)] })).message).toMatch(/"0" has 4 bytes/);
    expect(refusalOf(torchLegacy(PAIR, { 0: [2, floats(1)] })).message).toMatch(/expected 8 bytes/);
    expect(refusalOf(torchLegacy(PAIR, { 0: [2, floats(1, 2, 3)] })).message).toMatch(/4 bytes follow/);
    expect(refusalOf(torchLegacy(PAIR, { 0: [2 ** 53, TWO] })).message).toMatch(/36028797018963970 bytes/);
  });

  test('storages that are missing, listed twice, not used, or used with two types', () => {
    expect(refusalOf(torchZip(PAIR)).message).toMatch(/"0" is missing/);
    expect(refusalOf(torchLegacy(PAIR)).message).toMatch(/"0" is missing/);
    expect(refusalOf(torchLegacy(PAIR, { 0: [2, TWO], 1: [2, TWO] })).message).toMatch(/not used/);
    const twice = dict({
      x: tensor(of, { shape: [2] }),
      y: tensor(storage('torch.HalfStorage', '0', 4), { shape: [4] }),
    });
    for (const file of bothWays(twice)) expect(refusalOf(file).message).toMatch(/two types or lengths/);
  });

  test('a header with another protocol, system or program', () => {
    const [magic, protocol, machine] = LEGACY_HEAD as [Uint8Array, Uint8Array, Uint8Array];
    expect(refusalOf(pickle(PAIR)).message).toMatch(/refers to storages/);
    expect(refusalOf(pickle(integer(7))).message).toMatch(/not written by torch.save/);
    expect(refusalOf(concat(magic, pickle(integer(1002)), machine)).message).toMatch(/protocol is not 1001/);
    const big = pickle(dict({ little_endian: no }));
    expect(refusalOf(concat(magic, protocol, big)).message).toMatch(/byte order/);
    expect(refusalOf(concat(magic, protocol, machine)).message).toMatch(/ends too early/);
  });

  test('an archive with two pickles, or with a program', () => {
    const second = { name: 'other/data.pkl', data: pickle(PAIR) };
    expect(refusalOf(torchZip(PAIR, { 0: TWO }, [second])).message).toMatch(/2 files with the name data.pkl/);
    const script = { name: 'archive/constants.pkl', data: pickle(none) };
    expect(refusalOf(torchZip(PAIR, { 0: TWO }, [script])).message).toMatch(/TorchScript/);
  });
});

describe('invalid stack operations', () => {
  test.each([
    ['pop from an empty stack', [0x30], /pops more values than/],
    ['pop below a mark', [...none, 0x28, 0x85], /pops more values than/],
    ['no mark', [...none, 0x74], /has no mark/],
    ['missing memo entry', [0x68, 9], /does not exist \(9\)/],
    ['a line that does not end', [0x63, ...repeat(5000, 0x61)], /line that does not end/],
  ])('%s', (_, ops, message) => {
    for (const file of bothWays(ops)) expect(refusalOf(file).message).toMatch(message);
  });

  test('protocols 0, 1 and 6', () => {
    for (const protocol of [0, 1, 6]) {
      const root = pickle(PAIR);
      root[1] = protocol;
      expect(refusalOf(torchZip(root, { 0: TWO })).message).toMatch(/has protocol/);
    }
    expect(refusalOf(torchZip(Uint8Array.of(0x4e, 0x2e))).message).toMatch(/no pickle of protocol 2/);
    expect(refusalOf(torchZip(new Uint8Array(0))).message).toMatch(/ends too early/);
  });
});

describe('small files that would need much memory', () => {
  const peak = () => process.resourceUsage().maxRSS * 1024;
  const half = 2 ** 19;
  const makeDict = [...global('collections.OrderedDict'), 0x68, 0, 0x85, 0x52];
  test.each([
    ['dicts', [repeat(half, 0x7d)]],
    ['lists in lists', [repeat(3 * half, 0x5d)]],
    ['copies of the top', [Uint8Array.of(0x5d), repeat(10 * half, 0x32)]],
    ['marks', [repeat(10 * half, 0x28)]],
    ['memo entries', [Uint8Array.of(0x5d), repeat(4 * half, 0x94)]],
    [
      'a long list that is converted to a dict many times',
      [
        Uint8Array.of(0x5d, 0x28),
        repeat(100_000, 0x4b, 1, 0x4b, 2, 0x86),
        Uint8Array.of(0x65, 0x71, 0),
        repeat(1000, ...makeDict),
      ],
    ],
  ])('%s', (_, pieces) => {
    const file = torchZip(concat(Uint8Array.of(0x80, 2), ...pieces));
    const before = peak();
    const start = performance.now();
    expect(refusalOf(file).message).toMatch(/more objects than any state dict/);
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(peak() - before).toBeLessThan(200 * 2 ** 20);
  });

  test('many views of one storage, and one view that repeats an element', () => {
    const view = tensor(of, { shape: [2 ** 20, 2 ** 9], strides: [0, 0] });
    const views = dict(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`x${i}`, view])));
    for (const file of bothWays(views)) {
      const { details } = refusalOf(file, {}, 'weights-too-large');
      expect(details).toEqual({ wanted: 100 * 2 ** 31, maxBytes: 2 ** 31 });
    }
    const endless = x(tensor(of, { shape: [2 ** 52, 2 ** 52], strides: [0, 0] }));
    refusalOf(torchZip(endless, { 0: TWO }), {}, 'weights-too-large');
    // Without maxBytes, the limit of the JavaScript engine applies.
    refusalOf(torchZip(endless, { 0: TWO }), { maxBytes: Infinity }, 'out-of-memory');
  });

  test('a dict that contains itself', () => {
    for (const name of ['x', 'state_dict']) {
      const itself = [0x7d, 0x71, 0, ...text(name), 0x68, 0, 0x73];
      for (const file of [torchZip(itself), torchLegacy(itself)]) {
        for (const unwrap of [false, true, name]) {
          expect(refusalOf(file, { unwrap }).message).toContain(`"${name}" (a dict of 1)`);
        }
      }
    }
  });

  test('long names are truncated in messages', () => {
    const long = 'a'.repeat(1000) + '\n';
    for (const root of [
      x(global(`os.${long.trim()}`)),
      dict({ [long]: none }),
      dict({ [long]: dict({ y: none }) }),
    ]) {
      expect(refusalOf(torchZip(root)).message.length).toBeLessThan(700);
    }
  });
});
