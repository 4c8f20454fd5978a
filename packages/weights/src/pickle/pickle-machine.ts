import type { DskdError } from '@dskd/base';
import type { ByteReader } from '../byte-reader.js';
import type { PickleHost } from './pickle-global.js';

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
