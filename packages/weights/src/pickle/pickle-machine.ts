import type { DskdError } from '@dskd/base';
import type { ByteReader } from '../byte-reader.js';
import { OPCODES } from './opcodes.js';

/**
 * A function of ours that a pickle may call. `charge` counts the memory and work of what grows with the arguments:
 * a pickle can pass one long list a million times.
 */
export type PickleCall = (args: readonly unknown[], charge: (bytes: number) => void) => unknown;

/** What a pickle may name, and call where it has a `call`. */
export class PickleGlobal {
  /** `module.name`. */
  readonly name: string;
  readonly call: PickleCall | undefined;

  constructor(name: string, call?: PickleCall) {
    this.name = name;
    this.call = call;
  }
}

/** Everything that a pickle can reach. */
export interface PickleHost {
  /** Throws for every name that is not on the host's list. */
  findGlobal(module: string, name: string): PickleGlobal;
  /** The object that the file keeps outside its pickle under `id`. */
  loadPersistent(id: unknown): unknown;
}

/**
 * Estimated bytes that a pickle may make this program hold. A tensor of a state dict takes about 1500, so this is
 * room for 40,000 of them.
 */
const MAX_COST = 64 * 2 ** 20;

/** Estimated bytes of one thing, in V8. */
export const COST = { slot: 16, memo: 48, list: 64, map: 256, mapItem: 48 } as const;

/** Stack, marks and memo of a pickle being read. Lists and tuples are arrays, dicts are Maps, None is null. */
export class PickleMachine {
  readonly reader: ByteReader;
  readonly host: PickleHost;
  readonly #stack: unknown[] = [];
  /** Heights of the stack below which an opcode must not reach. */
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

  /** Never given back, so that work is bounded as well. */
  charge(bytes: number): void {
    this.#cost += bytes;
    if (this.#cost > MAX_COST) throw this.fail('makes more objects than any state dict does.');
  }

  push(value: unknown, cost: number = COST.slot): void {
    this.charge(cost);
    this.#stack.push(value);
  }

  pop(): unknown {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) throw this.fail('takes more than it has put down.');
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

  /** Everything above the last mark, which goes too. */
  popToMark(): unknown[] {
    const height = this.#marks.pop();
    if (height === undefined) throw this.fail('lacks a mark.');
    return this.#stack.splice(height);
  }

  /** Where the last mark is on top, the mark; else the value on top. */
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
    if (!this.#memo.has(key)) throw this.fail(`recalls what it has not stored (${key}).`);
    this.push(this.#memo.get(key));
  }
}

const PROTO = 0x80;
const STOP = 0x2e;

/**
 * Reads one pickle (protocols 2 to 5) where `reader` stands. Nothing is executed: the host says what every
 * name means. Time is linear in the pickle's length; what it can make this program hold is bounded.
 *
 * Lists, tuples and sets come as arrays, dicts as Maps, None as null, integers beyond 2^53 as bigint. They can
 * contain themselves.
 * @throws {DskdError} `weights-invalid`
 */
export function unpickle(reader: ByteReader, host: PickleHost): unknown {
  const machine = new PickleMachine(reader, host);
  const start = reader.position;
  if (reader.uint8() !== PROTO)
    throw reader.fail(`no pickle of protocol 2 or later starts at byte ${start}.`);
  const protocol = reader.uint8();
  if (protocol < 2 || protocol > 5) throw machine.fail(`has protocol ${protocol}; wanted 2 to 5.`);
  for (;;) {
    const code = reader.uint8();
    if (code === STOP) return machine.pop();
    const opcode = OPCODES[code];
    if (!opcode) {
      const hex = code.toString(16).padStart(2, '0');
      throw machine.fail(
        `has opcode 0x${hex} at byte ${reader.position - 1}, which is unknown or makes objects.`,
      );
    }
    opcode(machine);
  }
}
