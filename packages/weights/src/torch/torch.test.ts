import fc from 'fast-check';
import { ELEMENT_ARRAYS } from '../stored-tensor.js';
import { asExpected } from '../fixtures.test.util.js';
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
  storage,
  tensor,
  text,
  tuple,
  yes,
  type Ops,
} from './pickle-writer.test.util.js';
import { PAIR, floats, torchLegacy, torchZip } from './torch-writer.test.util.js';

const FLOAT = 'torch.FloatStorage';

function dataOf(file: Uint8Array, name = 'x'): unknown {
  return readStateDict(file).get(name)!.data;
}

describe('rare contents of PyTorch files', () => {
  test('types of PyTorch 2.3 and later, in an untyped storage', () => {
    for (const [type, dtype] of [
      ['torch.uint16', 'U16'],
      ['torch.uint32', 'U32'],
      ['torch.uint64', 'U64'],
    ] as const) {
      const bytes = new Uint8Array(24).map((_, index) => index + 200);
      const root = dict({
        x: call(
          'torch._utils._rebuild_tensor_v3',
          storage('torch.storage.UntypedStorage', '0', 24),
          integer(1),
          tuple(integer(2)),
          tuple(integer(1)),
          no,
          call('collections.OrderedDict'),
          global(type),
        ),
      });
      const array = new ELEMENT_ARRAYS[dtype](bytes.buffer).subarray(1, 3);
      expect(readStateDict(torchZip(root, { 0: bytes })).get('x')).toEqual({
        dtype,
        shape: [2],
        data: array,
      });
    }
  });

  test('a view of a storage, as before PyTorch 0.4', () => {
    const view = tuple(text('view'), integer(1), integer(2));
    const root = dict({ x: tensor(storage(FLOAT, '0', 4, view), { shape: [2] }) });
    expect(dataOf(torchLegacy(root, { 0: [4, floats(1, 2, 3, 4)] }))).toEqual(Float32Array.of(2, 3));
    const beyond = tuple(text('view'), integer(3), integer(2));
    const bad = dict({ x: tensor(storage(FLOAT, '0', 4, beyond), { shape: [2] }) });
    expect(refusalOf(torchLegacy(bad, { 0: [4, floats(1, 2, 3, 4)] })).message).toMatch(/view ends outside/);
  });

  test('a tensor with attributes, a parameter with state, the tensor of PyTorch 0.3', () => {
    const of = storage(FLOAT, '0', 2);
    const geometry = [of, integer(0), tuple(integer(2)), tuple(integer(1))];
    const root = dict({
      attributes: call(
        'torch._tensor._rebuild_from_type_v2',
        global('torch._utils._rebuild_tensor_v2'),
        global('torch.nn.parameter.Parameter'),
        tuple(...geometry, no, call('collections.OrderedDict')),
        dict({ note: text('mine') }),
      ),
      state: call(
        'torch._utils._rebuild_parameter_with_state',
        tensor(of, { shape: [2] }),
        no,
        call('collections.OrderedDict'),
        none,
      ),
      old: call('torch._utils._rebuild_tensor', ...geometry),
    });
    const tensors = readStateDict(torchZip(root, { 0: floats(1, 2) }));
    for (const name of ['attributes', 'state', 'old']) {
      expect(tensors.get(name)!.data).toEqual(Float32Array.of(1, 2));
    }
  });

  test('strings and ordered dicts of Python 2', () => {
    const name = [0x55, 1, 0x78];
    const root = call(
      'collections.OrderedDict',
      list(list(name, tensor(storage(FLOAT, '0', 2), { shape: [2] }))),
    );
    expect(dataOf(torchLegacy(root, { 0: [2, floats(1, 2)] }))).toEqual(Float32Array.of(1, 2));
  });

  test('a deflated archive: each storage is inflated once', () => {
    const bytes = new Uint8Array(4096);
    const of = storage(FLOAT, '0', 1024);
    const root = dict({ x: tensor(of, { shape: [1024] }), y: tensor(of, { offset: 4, shape: [2, 2] }) });
    const file = torchZip(root, {}, [{ name: 'archive/data/0', data: bytes, deflate: true }]);
    const needed = 2 * 4096 + 16;
    expect(asExpected(readStateDict(file, { maxBytes: needed }))).toEqual(
      asExpected(readStateDict(torchZip(root, { 0: bytes }))),
    );
    refusalOf(file, { maxBytes: needed - 1 }, 'weights-too-large');
  });

  test('lazily negated or conjugated tensors are an error; tensors whose flags are false are not', () => {
    const flagged = (flag: string, value: Ops) =>
      torchZip(
        dict({
          x: call(
            'torch._utils._rebuild_tensor_v2',
            ...[storage(FLOAT, '0', 2), integer(0), tuple(integer(2)), tuple(integer(1))],
            ...[no, call('collections.OrderedDict'), dict({ [flag]: value })],
          ),
        }),
        { 0: floats(1, 2) },
      );
    for (const flag of ['neg', 'conj']) {
      expect(refusalOf(flagged(flag, yes)).message).toMatch(/negated or conjugated/);
      expect(dataOf(flagged(flag, no))).toEqual(Float32Array.of(1, 2));
    }
  });

  test('a byte order other than little-endian is an error', () => {
    for (const text of ['big', 'middle', 'little and then some']) {
      const order = { name: 'archive/byteorder', data: new TextEncoder().encode(text) };
      expect(refusalOf(torchZip(PAIR, { 0: floats(1, 2) }, [order])).message).toMatch(/byte order/);
    }
  });
});

/** Storages and views of them, which may end outside. */
const views = fc.record({
  dtype: fc.constantFrom(
    ['torch.ByteStorage', 'U8'] as const,
    ['torch.HalfStorage', 'F16'] as const,
    ['torch.FloatStorage', 'F32'] as const,
    ['torch.LongStorage', 'I64'] as const,
  ),
  count: fc.nat({ max: 200 }),
  offset: fc.nat({ max: 12 }),
  axes: fc.array(fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 30 })), { maxLength: 5 }),
  contiguous: fc.boolean(),
});

/** Returns the elements of a view, each read by its index. */
function elementsOf(
  array: ArrayLike<number | bigint>,
  shape: number[],
  strides: number[],
  offset: number,
): unknown[] {
  const [side, ...rest] = shape;
  if (side === undefined) return [array[offset]];
  return Array.from({ length: side }, (_, index) =>
    elementsOf(array, rest, strides.slice(1), offset + index * strides[0]!),
  ).flat();
}

test('a view has the elements at its indexes, or is an error if one is outside', () => {
  const outcomes = { read: 0, refused: 0 };
  fc.assert(
    fc.property(views, ({ dtype: [type, dtype], count, offset, axes, contiguous }) => {
      const shape = axes.map(([side]) => side);
      const strides = contiguous
        ? shape.map((_, axis) => shape.slice(axis + 1).reduce((product, side) => product * side, 1))
        : axes.map(([, stride]) => stride);
      const array = new ELEMENT_ARRAYS[dtype](
        new Uint8Array(count * ELEMENT_ARRAYS[dtype].BYTES_PER_ELEMENT).map((_, index) => (index * 37) % 251)
          .buffer,
      );
      const root = dict({ x: tensor(storage(type, '0', count), { offset, shape, strides }) });
      const file = torchZip(root, { 0: new Uint8Array(array.buffer) });
      const elements = elementsOf(array, shape, strides, offset);
      if (elements.includes(undefined) || offset > count) {
        expect(refusalOf(file).message).toMatch(/outside its storage/);
        outcomes.refused++;
      } else {
        const { data, ...rest } = readStateDict(file).get('x')!;
        expect(rest).toEqual({ dtype, shape });
        expect([...(data as ArrayLike<unknown> & Iterable<unknown>)]).toEqual(elements);
        outcomes.read++;
      }
    }),
    { seed: 3, numRuns: 500 },
  );
  expect(outcomes.read).toBeGreaterThan(100);
  expect(outcomes.refused).toBeGreaterThan(100);
});

test('views with long runs and with single elements are copied', () => {
  const array = Float32Array.from({ length: 3000 }, (_, index) => index);
  const of = storage(FLOAT, '0', 3000);
  const root = dict({
    rows: tensor(of, { offset: 5, shape: [20, 100], strides: [149, 1] }),
    columns: tensor(of, { offset: 5, shape: [100, 20], strides: [1, 149] }),
  });
  const tensors = readStateDict(torchZip(root, { 0: new Uint8Array(array.buffer) }));
  expect([...(tensors.get('rows')!.data as Float32Array)]).toEqual(elementsOf(array, [20, 100], [149, 1], 5));
  expect([...(tensors.get('columns')!.data as Float32Array)]).toEqual(
    elementsOf(array, [100, 20], [1, 149], 5),
  );
});
