import { FLOAT } from '../heap.js';
import type { PackedRight } from '../packing.js';

/** Copies of packed right factors in shared memory, one after another from its beginning. */
export class SharedFactors {
  /** By what says that the original stays as it is. */
  #addresses = new WeakMap<object, number>();
  #end = 0;

  /** @param bytes the most that they take. */
  constructor(
    private readonly shared: Float32Array,
    private readonly bytes: number,
  ) {}

  /**
   * The address of the copy, in bytes. One that is not kept stays only until the next one.
   * @param heap where the factor is.
   * @returns undefined if it is too large.
   */
  addressOf(
    { address, elements, kept }: Pick<PackedRight, 'address' | 'elements' | 'kept'>,
    heap: Float32Array,
  ): number | undefined {
    const known = kept && this.#addresses.get(kept);
    if (known !== undefined) return known;
    const size = elements * FLOAT;
    if (size > this.bytes) return undefined;
    if (this.#end + size > this.bytes) {
      // All again, those that are still used: none is worth to be chosen.
      this.#addresses = new WeakMap();
      this.#end = 0;
    }
    const copy = this.#end;
    this.shared.set(heap.subarray(address / FLOAT, address / FLOAT + elements), copy / FLOAT);
    if (kept) {
      this.#addresses.set(kept, copy);
      this.#end += size;
    }
    return copy;
  }
}
