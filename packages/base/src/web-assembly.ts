// Assembles small WebAssembly modules at start-up: for loops that need SIMD, which JavaScript does not have. Nothing binary is
// committed, and no toolchain is needed (docs/decisions/0008-kernels-of-our-own-on-wasm.md). Byte codes:
// https://webassembly.github.io/spec/core/binary/instructions.html

/** Bytes of instructions, or of other parts of a module. */
export type Code = readonly number[];

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; ) {
    const byte = rest & 0x7f;
    rest >>= 7;
    const isLast = (rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0);
    bytes.push(isLast ? byte : byte | 0x80);
    if (isLast) return bytes;
  }
}

const get = (local: number): Code => [0x20, local];
const ADD: Code = [0x6a];
const set = (local: number): Code => [0x21, local];
const constant = (value: number): Code => [0x41, ...signed(value)];

/** An instruction of vectors, by its number, without a place in memory. */
const vector = (instruction: number): Code => [0xfd, ...unsigned(instruction)];
/** An instruction of vectors that reads or writes memory, at an address that need not be a multiple of anything. */
const vectorAt = (instruction: number, offset: number): Code => [
  ...vector(instruction),
  0,
  ...unsigned(offset),
];

/** Instructions. A local is named by its number; parameters come first. Addresses and offsets are in bytes. */
export const code = {
  get,
  set,
  constant,
  /** Adds an integer to a local. */
  advance: (local: number, by: Code): Code => [...get(local), ...by, ...ADD, ...set(local)],
  add: ADD,
  load32: (offset: number): Code => [0x28, 0, ...unsigned(offset)],
  /** Stores what is on top of the stack at the address below it. */
  store32: (offset: number): Code => [0x36, 0, ...unsigned(offset)],
  vector,
  vectorAt,
  /** `do { body } while (--counter != 0)`. */
  repeat: (counter: number, body: Code): Code => [
    ...[0x03, 0x40, ...body],
    ...[...get(counter), ...constant(1), 0x6b, 0x22, counter],
    ...[0x0d, 0x00, 0x0b],
  ],
  /**
   * As `repeat`, for steps of which the last pass may do the first few only: in each pass `steps`, and `counter` becomes less by
   * their number. It ends where the counter, at least 1 at the start, is used up; `afterSteps` is what ends a pass.
   */
  repeatSteps: (counter: number, steps: readonly Code[], afterSteps: Code): Code => {
    // Leaves the block around the loop after the step with which the counter is used up.
    const endAfter = (done: number): Code => [...get(counter), ...constant(done), 0x46, 0x0d, 1];
    const body = steps.flatMap((step, index) =>
      index < steps.length - 1 ? [...step, ...endAfter(index + 1)] : step,
    );
    const again = [...get(counter), ...constant(steps.length), 0x6b, 0x22, counter, 0x0d, 0];
    return [...[0x02, 0x40, 0x03, 0x40], ...body, ...afterSteps, ...again, 0x0b, 0x0b];
  },
  /** `if (local != 0) { body }` */
  whenNotZero: (local: number, body: Code): Code => [
    ...[0x02, 0x40, ...get(local), 0x45, 0x0d, 0x00],
    ...[...body, 0x0b],
  ],
  /** `do { body } while (local < end)`, as unsigned integers. */
  repeatUntil: (local: number, end: number, body: Code): Code => [
    ...[0x03, 0x40, ...body],
    ...[...get(local), ...get(end), 0x49],
    ...[0x0d, 0x00, 0x0b],
  ],
} as const;

/** A function without a result whose parameters are integers of 32 bits. */
export interface AssembledFunction {
  readonly name: string;
  readonly parameters: number;
  /** Locals after the parameters: first the integers, then the vectors. */
  readonly integers: number;
  readonly vectors: number;
  readonly body: Code;
}

const I32 = 0x7f;
const V128 = 0x7b;

/**
 * The bytes of a module.
 * @param memory `import`: it is imported as `env.memory`. `export`: the module has its own, of one page at first. `sharedPages`: as
 * `import`, for shared memory of exactly so many pages of 64 KiB.
 */
export function assembleModule(
  functions: readonly AssembledFunction[],
  memory: 'import' | 'export' | { readonly sharedPages: number },
): Uint8Array<ArrayBuffer> {
  const sized = (content: Code): number[] => [...unsigned(content.length), ...content];
  const section = (id: number, content: Code): number[] => [id, ...sized(content)];
  const text = (value: string): number[] => sized([...new TextEncoder().encode(value)]);
  const list = (entries: readonly Code[]): number[] => [...unsigned(entries.length), ...entries.flat()];
  const types = functions.map(({ parameters }) => [
    0x60,
    ...sized(new Array<number>(parameters).fill(I32)),
    0,
  ]);
  const exported = functions.map(({ name }, index) => [...text(name), 0, index]);
  const bodies = functions.map(({ integers, vectors, body }) =>
    sized([2, ...unsigned(integers), I32, ...unsigned(vectors), V128, ...body, 0x0b]),
  );
  const own = memory === 'export';
  const limits =
    typeof memory === 'object'
      ? [3, ...unsigned(memory.sharedPages), ...unsigned(memory.sharedPages)]
      : [0, 0];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list(types)),
    ...(own ? [] : section(2, list([[...text('env'), ...text('memory'), 2, ...limits]]))),
    ...section(3, list(functions.map((_, index) => [index]))),
    ...(own ? section(5, list([[0, 1]])) : []),
    ...section(7, list(own ? [...exported, [...text('memory'), 2, 0]] : exported)),
    ...section(10, list(bodies)),
  ]);
}
