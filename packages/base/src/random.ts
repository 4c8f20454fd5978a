/**
 * A stream of pseudo-random numbers (xoshiro128**, 32 bits, the same on every platform). Its values depend only on
 * the seed and the keys it was made with, not on the use of other streams.
 */
export interface RandomStream {
  /** Uniform in [0, 1), 53 bits. */
  uniform(): number;
  /** Uniform integer in [0, bound), unbiased. `bound` in 1..2^32. */
  integer(bound: number): number;
  /** Standard normal (Box-Muller). */
  normal(): number;
  /** Shuffles `items` in place (Fisher-Yates) and returns it. */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T;
}

/** The finalizer of murmur3. */
function mix(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function hashKey(state: number, key: string | number): number {
  const text = typeof key === 'number' ? `n${key}` : `s${key}`;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return mix(state ^ text.length);
}

/**
 * Returns the stream of `seed` and `keys`, for example `randomStream(7, 'shuffle', epoch)` or
 * `randomStream(7, 'augment', epoch, sample)`.
 */
export function randomStream(seed: number, ...keys: (string | number)[]): RandomStream {
  let hash = hashKey(0x811c9dc5, seed);
  for (const key of keys) hash = hashKey(hash, key);
  const state = new Uint32Array(4);
  for (let i = 0; i < 4; i++) {
    hash = (hash + 0x9e3779b9) >>> 0;
    state[i] = mix(hash);
  }
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]! | 1;

  const next = (): number => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  };

  const stream: RandomStream = {
    uniform: () => ((next() >>> 5) * 0x4000000 + (next() >>> 6)) / 0x20000000000000,
    integer(bound) {
      const limit = 0x100000000 - (0x100000000 % bound);
      let value = next();
      while (value >= limit) value = next();
      return value % bound;
    },
    normal() {
      const radius = Math.sqrt(-2 * Math.log(1 - stream.uniform()));
      return radius * Math.cos(2 * Math.PI * stream.uniform());
    },
    shuffle(items) {
      for (let i = items.length - 1; i > 0; i--) {
        const j = stream.integer(i + 1);
        const swap = items[i];
        (items as { [index: number]: unknown })[i] = items[j];
        (items as { [index: number]: unknown })[j] = swap;
      }
      return items;
    },
  };
  return stream;
}
