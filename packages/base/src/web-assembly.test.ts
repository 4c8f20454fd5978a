import { assembleModule, code } from './web-assembly.js';

const { get, set, constant, advance, add, load32, store32, repeat, vector, vectorAt } = code;
const { repeatSteps, repeatUntil, whenNotZero } = code;

function instantiate(bytes: Uint8Array<ArrayBuffer>, imports?: WebAssembly.Imports) {
  expect(WebAssembly.validate(bytes)).toBe(true);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports);
  return exports as Record<string, (...parameters: number[]) => void> & { memory: WebAssembly.Memory };
}

test.each([0, 1, -1, 63, 64, -64, -65, 127, 128, 1 << 21, 2 ** 31 - 1, -(2 ** 31)])(
  'an integer is what it was: %d',
  (value) => {
    const body = [...get(0), ...constant(value), ...store32(0)];
    const { write, memory } = instantiate(
      assembleModule([{ name: 'write', parameters: 1, integers: 0, vectors: 0, body }], 'export'),
    );
    write!(200);
    expect(new DataView(memory.buffer).getInt32(200, true)).toBe(value);
  },
);

test('loops run as often as their counter says, or until an end; functions of one module are apart', () => {
  // sum(target, count): adds 3 `count` times. copy(from, to, end): integers, one after another.
  const sum = [...repeat(1, advance(2, constant(3))), ...get(0), ...get(2), ...store32(0)];
  const copy = repeatUntil(1, 2, [
    ...[...get(1), ...get(0), ...load32(4), ...store32(0)],
    ...advance(0, constant(4)),
    ...advance(1, constant(4)),
  ]);
  const {
    add: total,
    copy: copied,
    memory,
  } = instantiate(
    assembleModule(
      [
        { name: 'add', parameters: 2, integers: 1, vectors: 0, body: sum },
        { name: 'copy', parameters: 3, integers: 0, vectors: 0, body: copy },
      ],
      'export',
    ),
  );
  const integers = new Int32Array(memory.buffer);
  total!(0, 5);
  expect(integers[0]).toBe(15);
  integers.set([7, 8, 9], 11);
  copied!(40, 400, 412);
  expect([...integers.subarray(100, 104)]).toEqual([7, 8, 9, 0]);
});

test('steps end with the counter, and nothing is done without one', () => {
  // digits(target, count): 1 for the first step of three, 2 for the second, 3 for the third, 10 after each pass.
  const step = (by: number): number[] => [...advance(2, constant(by))];
  const body = whenNotZero(1, [
    ...repeatSteps(1, [step(1), step(2), step(3)], advance(2, constant(10))),
    ...[...get(0), ...get(2), ...store32(4)],
  ]);
  const { digits, memory } = instantiate(
    assembleModule([{ name: 'digits', parameters: 2, integers: 1, vectors: 0, body }], 'export'),
  );
  const after = (count: number): number => {
    digits!(0, count);
    return new Int32Array(memory.buffer)[1]!;
  };
  expect([0, 1, 2, 3, 4, 5, 6, 7].map(after)).toEqual([0, 1, 3, 16, 17, 19, 32, 33]);
});

test('vectors are added, in the memory of someone else', () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const body = [
    ...[...get(0), ...vectorAt(0, 0), ...set(1)],
    ...[...get(0), ...get(1), ...get(0), ...constant(16), ...add, ...vectorAt(0, 0), ...vector(174)],
    ...vectorAt(11, 300),
  ];
  const { sum } = instantiate(
    assembleModule([{ name: 'sum', parameters: 1, integers: 0, vectors: 1, body }], 'import'),
    { env: { memory } },
  );
  const integers = new Int32Array(memory.buffer);
  integers.set([1, 2, 3, 4, 10, 20, 30, 40]);
  sum!(0);
  expect([...integers.subarray(75, 79)]).toEqual([11, 22, 33, 44]);
});
