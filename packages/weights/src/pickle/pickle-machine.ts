import type { DskdError } from '@dskd/base';
import { type ByteReader, quoted } from '../byte-reader.js';
import { OpaqueObject, PickleGlobal } from './pickle-global.js';

/** Access of a pickle to anything outside it. */
export interface PickleHost {
  /** Returns an `OpaqueGlobal` for a name that is not known. Throws for one that is not allowed. */
  findGlobal(module: string, name: string): PickleGlobal;
  /** Returns the object with a persistent id, which the file stores outside the pickle. */
  loadPersistent(id: unknown): unknown;
}

/**
 * Limit for the estimated bytes of all objects of a pickle. A tensor of a state dict takes about 1500 bytes, so the
 * limit is about 40,000 tensors.
 */
const MAX_COST = 64 * 2 ** 20;

/** Estimated bytes of objects in V8. */
export const COST = { slot: 16, memo: 48, list: 64, map: 256, mapItem: 48 } as const;

/** Stack, marks and memo of the unpickler. Lists and tuples are arrays, dicts are Maps, None is null. */
export class PickleMachine {
  readonly reader: ByteReader;
  readonly host: PickleHost;
  readonly #stack: unknown[] = [];
  /** Heights of the stack at the marks. Opcodes must not pop values below the last one. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, unknown>();
  #cost = 0;

  constructor(reader: ByteReader, host: PickleHost) {
    this.reader = reader;
    this.host = host;
  }

  fail(problem: string): DskdError {
    return this.reader.fail(`its pickle ${problem}`);
  }

  /** Adds to the cost of the pickle, which never decreases, so that the running time is limited as well. */
  charge(bytes: number): void {
    this.#cost += bytes;
    if (this.#cost > MAX_COST) throw this.fail('creates more objects than any state dict.');
  }

  push(value: unknown, cost: number = COST.slot): void {
    this.charge(cost);
    this.#stack.push(value);
  }

  pop(): unknown {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0))
      throw this.fail('pops more values than are on its stack.');
    return this.#stack.pop();
  }

  top(): unknown {
    const value = this.pop();
    this.#stack.push(value);
    return value;
  }

  mark(): void {
    this.charge(COST.slot);
    this.#marks.push(this.#stack.length);
  }

  /** Removes the last mark and returns the values above it, which are removed as well. */
  popToMark(): unknown[] {
    const height = this.#marks.pop();
    if (height === undefined) throw this.fail('has no mark.');
    return this.#stack.splice(height);
  }

  /** Removes the last mark if no values are above it, else the top value. */
  popAny(): void {
    if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
    else this.pop();
  }

  remember(key: number): void {
    this.charge(COST.memo);
    this.#memo.set(key, this.top());
  }

  rememberNext(): void {
    this.remember(this.#memo.size);
  }

  recall(key: number): void {
    if (!this.#memo.has(key)) throw this.fail(`reads a memo entry that does not exist (${key}).`);
    this.push(this.#memo.get(key));
  }
}

const PROTO = 0x80;
const STOP = 0x2e;

/**
 * Reads one pickle (protocols 2 to 5) from the position of `reader` and returns its object. No Python code is executed;
 * the host resolves every name, and an instance of any class is an {@link OpaqueObject}. The time is linear in the length of the pickle, and the memory is limited.
 *
 * Lists, tuples and sets are returned as arrays, dicts as Maps, None as null, integers beyond 2^53 as bigint.
 * Containers can contain themselves.
 * @throws {DskdError} `weights-invalid`
 */
export function unpickle(reader: ByteReader, host: PickleHost): unknown {
  const machine = new PickleMachine(reader, host);
  const start = reader.position;
  if (reader.uint8() !== PROTO)
    throw reader.fail(`there is no pickle of protocol 2 or later at byte ${start}.`);
  const protocol = reader.uint8();
  if (protocol < 2 || protocol > 5) throw machine.fail(`has protocol ${protocol}; expected 2 to 5.`);
  for (;;) {
    const code = reader.uint8();
    if (code === STOP) return machine.pop();
    const opcode = OPCODES[code];
    if (!opcode) {
      const hex = code.toString(16).padStart(2, '0');
      throw machine.fail(
        `has opcode 0x${hex} at byte ${reader.position - 1}, which is unknown or refers to objects outside of it.`,
      );
    }
    opcode(machine);
  }
}

/** Longest string. Names of tensors are far shorter. */
const MAX_TEXT_BYTES = 2 ** 20;
const MAX_INTEGER_BYTES = 16;

type Opcode = (machine: PickleMachine) => void;

function pushText(machine: PickleMachine, length: number): void {
  if (length > MAX_TEXT_BYTES) throw machine.fail(`has a string of ${length} bytes.`);
  machine.push(machine.reader.text(length), COST.list + 2 * length);
}

function pushBytes(machine: PickleMachine, length: number): void {
  machine.push(machine.reader.take(length), COST.map);
}

/** Reads a little-endian integer in two's complement. */
function pushInteger(machine: PickleMachine, length: number): void {
  if (length > MAX_INTEGER_BYTES) throw machine.fail(`has an integer of ${length} bytes.`);
  let value = 0n;
  machine.reader.take(length).forEach((byte, index) => {
    value |= BigInt(byte) << BigInt(8 * index);
  });
  value = BigInt.asIntN(8 * length, value);
  machine.push(Number.isSafeInteger(Number(value)) ? Number(value) : value, COST.list);
}

function pushTuple(machine: PickleMachine, length: number): void {
  const items: unknown[] = [];
  for (let i = 0; i < length; i++) items.unshift(machine.pop());
  machine.push(items, COST.list);
}

/** Appends to the list on top of the stack; what is appended to an object of an unknown class is dropped. */
function append(machine: PickleMachine, items: readonly unknown[]): void {
  const list = machine.top();
  if (list instanceof OpaqueObject) return;
  if (!Array.isArray(list)) throw machine.fail('appends to a value that is not a list.');
  machine.charge(items.length * COST.slot);
  for (const item of items) list.push(item);
}

function setItems(machine: PickleMachine, items: readonly unknown[]): void {
  const dict = machine.top();
  if (dict instanceof OpaqueObject) return;
  if (!(dict instanceof Map)) throw machine.fail('sets items of a value that is not a dict.');
  if (items.length % 2 !== 0) throw machine.fail('has a key without a value.');
  machine.charge((items.length / 2) * COST.mapItem);
  for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
}

function pushGlobal(machine: PickleMachine, module: unknown, name: unknown): void {
  if (typeof module !== 'string' || typeof name !== 'string')
    throw machine.fail('has a global name that is not a string.');
  // Two long strings can be combined many times.
  machine.push(machine.host.findGlobal(module, name), COST.list + 2 * (module.length + name.length));
}

function line(machine: PickleMachine): string {
  const { reader } = machine;
  const end = reader.bytes.subarray(reader.position, reader.position + 4096).indexOf(0x0a);
  if (end < 0) throw machine.fail('has a line that does not end.');
  const text = reader.text(end);
  reader.skip(1);
  return text;
}

function reduce(machine: PickleMachine): void {
  const args = machine.pop();
  const callee = machine.pop();
  if (callee instanceof OpaqueObject) {
    // A method or a nested class of something unknown.
    machine.push(callee);
    return;
  }
  if (!(callee instanceof PickleGlobal) || callee.call === undefined) {
    const what = callee instanceof PickleGlobal ? quoted(callee.name) : 'a value that is not a function';
    throw machine.fail(`calls ${what}.`);
  }
  if (!Array.isArray(args)) throw machine.fail('calls a function without a tuple of arguments.');
  const value = callee.call(args, (bytes) => machine.charge(bytes));
  machine.push(value, COST.map);
}

/** An instance of a class. None is known: it stays opaque. */
function pushInstance(machine: PickleMachine, type: unknown): void {
  if (!(type instanceof PickleGlobal) && !(type instanceof OpaqueObject)) {
    throw machine.fail('creates an instance of a value that is not a class.');
  }
  machine.push(new OpaqueObject(type.name), COST.map);
}

/** Ignores attributes of dicts and tensors, for example `_metadata` of a state dict. */
function build(machine: PickleMachine): void {
  machine.pop();
  const target = machine.top();
  if (typeof target !== 'object' || target === null || target instanceof PickleGlobal) {
    throw machine.fail('sets attributes of a value that has none.');
  }
}

/**
 * The opcodes for data of protocols 2 to 5. Opcodes that refer to external objects (EXT, PERSID, out-of-band buffers), and
 * the text opcodes of protocols 0 and 1 are missing.
 */
export const OPCODES: Readonly<Record<number, Opcode>> = {
  // FRAME: the length of the next frame, which is needed only to read from a stream.
  0x95: (m) => m.reader.uint64(),
  // Stack: MARK, POP, POP_MARK, DUP.
  0x28: (m) => m.mark(),
  0x30: (m) => m.popAny(),
  0x31: (m) => m.popToMark(),
  0x32: (m) => m.push(m.top()),
  // Constants: NONE, NEWTRUE, NEWFALSE.
  0x4e: (m) => m.push(null),
  0x88: (m) => m.push(true),
  0x89: (m) => m.push(false),
  // Numbers: BININT, BININT1, BININT2, LONG1, LONG4, BINFLOAT.
  0x4a: (m) => m.push(m.reader.int32()),
  0x4b: (m) => m.push(m.reader.uint8()),
  0x4d: (m) => m.push(m.reader.uint16()),
  0x8a: (m) => pushInteger(m, m.reader.uint8()),
  0x8b: (m) => pushInteger(m, m.reader.uint32()),
  0x47: (m) => m.push(m.reader.bigEndianFloat64(), COST.slot * 2),
  // Strings: BINUNICODE, SHORT_BINUNICODE, BINUNICODE8, and BINSTRING, SHORT_BINSTRING of Python 2.
  0x58: (m) => pushText(m, m.reader.uint32()),
  0x8c: (m) => pushText(m, m.reader.uint8()),
  0x8d: (m) => pushText(m, m.reader.uint64()),
  0x54: (m) => pushText(m, m.reader.uint32()),
  0x55: (m) => pushText(m, m.reader.uint8()),
  // Bytes: BINBYTES, SHORT_BINBYTES, BINBYTES8, BYTEARRAY8.
  0x42: (m) => pushBytes(m, m.reader.uint32()),
  0x43: (m) => pushBytes(m, m.reader.uint8()),
  0x8e: (m) => pushBytes(m, m.reader.uint64()),
  0x96: (m) => pushBytes(m, m.reader.uint64()),
  // Lists: EMPTY_LIST, LIST, APPEND, APPENDS.
  0x5d: (m) => m.push([], COST.list),
  0x6c: (m) => m.push(m.popToMark(), COST.list),
  0x61: (m) => {
    const item = m.pop();
    append(m, [item]);
  },
  0x65: (m) => append(m, m.popToMark()),
  // Tuples: EMPTY_TUPLE, TUPLE, TUPLE1, TUPLE2, TUPLE3.
  0x29: (m) => m.push([], COST.list),
  0x74: (m) => m.push(m.popToMark(), COST.list),
  0x85: (m) => pushTuple(m, 1),
  0x86: (m) => pushTuple(m, 2),
  0x87: (m) => pushTuple(m, 3),
  // Dicts: EMPTY_DICT, DICT, SETITEM, SETITEMS.
  0x7d: (m) => m.push(new Map(), COST.map),
  0x64: (m) => {
    const items = m.popToMark();
    m.push(new Map(), COST.map);
    setItems(m, items);
  },
  0x73: (m) => {
    const value = m.pop();
    setItems(m, [m.pop(), value]);
  },
  0x75: (m) => setItems(m, m.popToMark()),
  // Sets, represented as lists: EMPTY_SET, ADDITEMS, FROZENSET.
  0x8f: (m) => m.push([], COST.list),
  0x90: (m) => OPCODES[0x65]!(m),
  0x91: (m) => m.push(m.popToMark(), COST.list),
  // Memo: BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET.
  0x71: (m) => m.remember(m.reader.uint8()),
  0x72: (m) => m.remember(m.reader.uint32()),
  0x94: (m) => m.rememberNext(),
  0x68: (m) => m.recall(m.reader.uint8()),
  0x6a: (m) => m.recall(m.reader.uint32()),
  // Host calls: GLOBAL, STACK_GLOBAL, REDUCE, BUILD, BINPERSID.
  0x63: (m) => pushGlobal(m, line(m), line(m)),
  0x93: (m) => {
    const name = m.pop();
    pushGlobal(m, m.pop(), name);
  },
  0x52: reduce,
  // Instances: NEWOBJ, NEWOBJ_EX, INST, OBJ.
  0x81: (m) => {
    m.pop();
    pushInstance(m, m.pop());
  },
  0x92: (m) => {
    m.pop();
    m.pop();
    pushInstance(m, m.pop());
  },
  0x69: (m) => {
    m.popToMark();
    pushGlobal(m, line(m), line(m));
    pushInstance(m, m.pop());
  },
  0x6f: (m) => pushInstance(m, m.popToMark()[0]),
  0x62: build,
  0x51: (m) => m.push(m.host.loadPersistent(m.pop()), COST.map),
};
