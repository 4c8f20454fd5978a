import { assertFinite } from './metadata.js';
import type { StateDictType } from './types.js';

function isFinite(dtype: StateDictType, data: Uint16Array): boolean {
  try {
    assertFinite(new Map([['layer.weight', { dtype, shape: [data.length], data }]]));
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'weights-not-finite', details: { tensors: ['layer.weight'] } });
    return false;
  }
}

describe.each([
  { dtype: 'F16', infinity: 0x7c00, largest: 0x7bff },
  { dtype: 'BF16', infinity: 0x7f80, largest: 0x7f7f },
] as const)('$dtype', ({ dtype, infinity, largest }) => {
  test('every finite pattern passes, in pairs with every other kind', () => {
    const patterns = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits).filter(
      (bits) => (bits & infinity) !== infinity,
    );
    expect(isFinite(dtype, patterns)).toBe(true);
    expect(isFinite(dtype, Uint16Array.of(largest, largest | 0x8000, largest))).toBe(true);
  });

  test.each([0, 1, 2])('infinity and NaN at place %d of three are found', (place) => {
    for (const bad of [infinity, infinity | 0x8000, infinity + 1, 0xffff]) {
      for (const other of [0, largest, 0x8000 | largest]) {
        const data = new Uint16Array(3).fill(other);
        data[place] = bad;
        expect(isFinite(dtype, data)).toBe(false);
        // As a part of a longer array that does not begin at a pair.
        const longer = new Uint16Array(5).fill(infinity);
        longer.set(data, 1);
        expect(isFinite(dtype, longer.subarray(1, 4))).toBe(false);
        longer.set([other, other, other], 1);
        expect(isFinite(dtype, longer.subarray(1, 4))).toBe(true);
      }
    }
  });
});
