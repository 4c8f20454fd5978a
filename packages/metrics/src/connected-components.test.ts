import fc from 'fast-check';
import { connectedComponents } from './index.js';

/** Masks as text: a dot is a pixel outside the mask. */
function components(...rows: string[]): { labels: string[]; areas: readonly number[] } {
  const mask = Uint8Array.from(rows.join(''), (character) => (character === '.' ? 0 : 236));
  const width = rows[0]!.length;
  const { labels, areas } = connectedComponents(mask, width, rows.length);
  const shown = rows.map((_, y) => [...labels.subarray(y * width, (y + 1) * width)].join(''));
  return { labels: shown, areas };
}

test('pixels connect at corners, but not across the edges of the image', () => {
  expect(components('#...#', '.#..#', '.....', '#..#.', '#...#')).toEqual({
    labels: ['10002', '01002', '00000', '30040', '30004'],
    areas: [2, 2, 2, 2],
  });
  expect(components('..#', '#..')).toEqual({ labels: ['001', '200'], areas: [1, 1] });
});

test('a spiral and a comb are one component each', () => {
  expect(components('#####', '....#', '###.#', '#...#', '#####').areas).toEqual([17]);
  expect(components('#.#.#', '#.#.#', '#####').areas).toEqual([11]);
});

test('an empty mask, a full one, one pixel, one row, one column', () => {
  expect(components('...', '...')).toEqual({ labels: ['000', '000'], areas: [] });
  expect(components('##', '##')).toEqual({ labels: ['11', '11'], areas: [4] });
  expect(components('#').areas).toEqual([1]);
  expect(components('##.#').labels).toEqual(['1102']);
  expect(components('#', '#', '.', '#').labels).toEqual(['1', '1', '0', '2']);
  expect(() => connectedComponents(new Uint8Array(3), 2, 2)).toThrow('Got a mask of 3 pixels; wanted 2 x 2.');
});

test('neighbors in the mask, and no other pixels, have the same label', () => {
  const masks = fc
    .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }))
    .chain(([width, height]) =>
      fc.record({
        width: fc.constant(width),
        height: fc.constant(height),
        mask: fc.uint8Array({ minLength: width * height, maxLength: width * height, max: 1 }),
      }),
    );
  fc.assert(
    fc.property(masks, ({ mask, width, height }) => {
      const { labels, areas } = connectedComponents(mask, width, height);
      // Slow reference: a label for every pixel, replaced by the lowest label of its neighbors until nothing changes.
      const slow = Array.from(mask, (value, i) => (value ? i + 1 : 0));
      for (let changed = true; changed; ) {
        changed = false;
        slow.forEach((label, i) => {
          slow.forEach((other, j) => {
            const near =
              Math.abs((i % width) - (j % width)) <= 1 &&
              Math.abs(Math.floor(i / width) - Math.floor(j / width)) <= 1;
            if (!near || other === 0 || other >= slow[i]! || label === 0) return;
            slow[i] = other;
            changed = true;
          });
        });
      }
      const order = [...new Set(slow.filter((label) => label > 0))];
      expect([...labels]).toEqual(slow.map((label) => order.indexOf(label) + 1));
      expect(areas).toEqual(order.map((label) => slow.filter((other) => other === label).length));
    }),
    { numRuns: 50 },
  );
});
